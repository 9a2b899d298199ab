// What a stream's reads give: bytes in order, the end behind them, and the count where they end half-way.
#include "stream_ends.hpp"

#include <weir/io/system_calls.hpp>

#include <optional>

namespace weir::test {
namespace {

using stream_read = stream_test;
using tcp_read = stream_test; ///< a closed unix-domain socket is an end of file, never a reset

TEST_P(stream_read, gives_what_arrived_and_an_empty_lease_at_the_end) {
  run([&]() -> task<> {
    stream_ends ends = connected();
    co_await ends.theirs.send("hello");
    result<lease> first = co_await ends.ours.read();
    EXPECT_TRUE(first);
    EXPECT_EQ(text_of(*first), "hello");
    ends.theirs.end();
    for (int again = 0; again < 2; ++again) {
      result<lease> last = co_await ends.ours.read();
      EXPECT_TRUE(last);
      EXPECT_TRUE(last->empty());
    }
  });
}

TEST_P(stream_read, gives_the_end_of_file_behind_all_data) {
  run([&]() -> task<> {
    stream_ends ends = connected();
    const std::string text = pattern(100'000);
    co_await ends.theirs.send(text);
    ends.theirs.close();
    co_await turns(5);
    const std::string received = co_await read_to_end(ends.ours);
    EXPECT_TRUE(received == text);
  });
}

TEST_P(stream_read, without_waiting_gives_nothing_or_what_is_there) {
  run([&]() -> task<> {
    stream_ends ends = connected();
    EXPECT_FALSE(ends.ours.try_read());
    co_await ends.theirs.send("there");
    std::optional<lease> got;
    co_await until([&] { return (got = ends.ours.try_read()).has_value(); });
    EXPECT_EQ(text_of(*got), "there");
    EXPECT_FALSE(ends.ours.try_read());
  });
}

/// A reader that is one loop and calls no task that reads. False: it was cancelled.
task<bool> read_arrivals(stream& from, std::string& into) {
  bool woken = true;
  while (woken && !from.has_ended()) {
    if (from.has_arrived()) {
      into += text_of(*from.try_read());
    } else {
      woken = co_await from.next_arrival();
    }
  }
  co_return woken;
}

task<bool> read_under(cancellation& scope, stream& from, std::string& into) {
  co_return co_await read_arrivals(from, into).under(&scope);
}

TEST_P(stream_read, by_arrivals_gives_everything_up_to_the_end) {
  run([&]() -> task<> {
    stream_ends ends = connected();
    const std::string text = pattern(300'000);
    const auto send_then_end = [&]() -> task<> {
      co_await ends.theirs.send(text);
      ends.theirs.end();
    };
    std::string received;
    auto [was_woken, sent] = co_await when_all(read_arrivals(ends.ours, received), send_then_end());
    EXPECT_TRUE(was_woken);
    EXPECT_TRUE(received == text);
    EXPECT_TRUE(ends.ours.has_ended());
    EXPECT_FALSE(ends.ours.read_error()) << "an end of file is no failure";
  });
}

TEST_P(stream_read, by_arrivals_cancelled_takes_nothing) {
  run([&]() -> task<> {
    stream_ends ends = connected();
    std::string received;
    cancellation scope;
    const auto cancel = [&]() -> task<> {
      co_await turns(2);
      scope.request();
    };
    auto [was_woken, done] = co_await when_all(read_under(scope, ends.ours, received), cancel());
    EXPECT_FALSE(was_woken);
    EXPECT_FALSE(ends.ours.has_ended());
    co_await ends.theirs.send("kept");
    result<lease> kept = co_await ends.ours.read();
    EXPECT_EQ(text_of(*kept), "kept");
  });
}

TEST_P(tcp_read, by_arrivals_tells_of_a_reset_behind_what_came_before) {
  run([&]() -> task<> {
    stream_ends ends = connected();
    co_await ends.theirs.send("last words");
    co_await until([&] { return ends.ours.has_arrived(); });
    ends.theirs.reset();
    co_await turns(5);
    EXPECT_FALSE(ends.ours.has_ended());
    EXPECT_FALSE(ends.ours.read_error());
    std::string received;
    const bool was_woken = co_await read_arrivals(ends.ours, received);
    EXPECT_TRUE(was_woken);
    EXPECT_EQ(received, "last words");
    EXPECT_TRUE(ends.ours.read_error());
    EXPECT_EQ(*ends.ours.read_error(), std::errc::connection_reset);
  });
}

TEST_P(stream_read, some_gives_at_most_what_fits_and_keeps_the_rest) {
  run([&]() -> task<> {
    stream_ends ends = connected();
    co_await ends.theirs.send("abcdef");
    ends.theirs.end();
    char four[4] = {};
    result<std::size_t> count = co_await ends.ours.read_some(std::as_writable_bytes(std::span(four)));
    EXPECT_EQ(count.value_or(99), 4u);
    EXPECT_EQ(std::string_view(four, 4), "abcd");
    count = co_await ends.ours.read_some(std::as_writable_bytes(std::span(four)));
    EXPECT_EQ(count.value_or(99), 2u);
    count = co_await ends.ours.read_some(std::as_writable_bytes(std::span(four)));
    EXPECT_EQ(count.value_or(99), 0u);
  });
}

TEST_P(stream_read, exactly_waits_for_all_of_it) {
  run([&]() -> task<> {
    stream_ends ends = connected();
    const auto dribble = [&]() -> task<> {
      for (const char* piece : {"on", "e by", " one"}) {
        co_await ends.theirs.send(piece);
        co_await turns(3);
      }
    };
    auto [text, dribbled] = co_await when_all(read_text(ends.ours, 9), dribble());
    EXPECT_EQ(text, "one by on");
    const std::string rest = co_await read_text(ends.ours, 1);
    EXPECT_EQ(rest, "e");
  });
}

/// Reads of this size leave the pool aside; small ones before, between and behind them must not be disturbed.
TEST_P(stream_read, exactly_takes_megabytes_between_small_reads) {
  const std::string text = pattern(9'000'000);
  run([&]() -> task<> {
    stream_ends ends = connected();
    const auto read_all = [&]() -> task<std::string> {
      std::string received;
      for (const std::size_t size : {3u, 4'000'000u, 1u, 1'100'000u, 300'000u, 3'599'995u, 1u})
        received += co_await read_text(ends.ours, size);
      co_return received;
    };
    auto [received, sent] = co_await when_all(read_all(), ends.theirs.send(text));
    EXPECT_EQ(received.size(), text.size());
    EXPECT_TRUE(received == text);
    ends.theirs.end();
    result<lease> last = co_await ends.ours.read();
    EXPECT_TRUE(last && last->empty());
  });
}

TEST_P(stream_read, exactly_tells_how_much_came_before_the_end) {
  for (const std::size_t size : {std::size_t{100}, std::size_t{2'000'000}}) {
    run([&]() -> task<> {
      stream_ends ends = connected();
      const std::string half = pattern(size / 2);
      const auto send_half = [&]() -> task<> {
        co_await ends.theirs.send(half);
        ends.theirs.close();
      };
      std::string into(size, '\0');
      auto [moved, sent] =
          co_await when_all(ends.ours.read_exactly(std::as_writable_bytes(std::span(into))), send_half());
      EXPECT_FALSE(moved);
      EXPECT_EQ(moved.error(), errc::end_of_stream);
      EXPECT_EQ(moved.bytes(), half.size());
      EXPECT_TRUE(into.substr(0, half.size()) == half);
      result<lease> last = co_await ends.ours.read();
      EXPECT_TRUE(last && last->empty());
    });
  }
}

/// Reads until the scope ends; then what it took and what is read afterwards must be all there was.
TEST_P(stream_read, exactly_cancelled_half_way_tells_how_much_it_took_and_loses_nothing) {
  const std::string text = pattern(3'000'000);
  for (const std::size_t sent_before :
       {std::size_t{0}, std::size_t{10}, std::size_t{100'000}, std::size_t{1'500'000}}) {
    run([&]() -> task<> {
      stream_ends ends = connected();
      cancellation scope;
      std::string into(text.size(), '\0');
      const auto read = [&]() -> task<transfer> {
        co_return co_await ends.ours.read_exactly(std::as_writable_bytes(std::span(into))).under(&scope);
      };
      const auto send_some_then_cancel = [&]() -> task<> {
        co_await ends.theirs.send(std::string_view(text).substr(0, sent_before));
        co_await turns(3);
        scope.request();
      };
      auto [moved, cancelled] = co_await when_all(read(), send_some_then_cancel());
      EXPECT_FALSE(moved);
      EXPECT_TRUE(moved.error().is_cancelled());
      EXPECT_LE(moved.bytes(), sent_before);
      into.resize(moved.bytes());

      auto [rest, sent] = co_await when_all(read_text(ends.ours, text.size() - into.size()),
                                            ends.theirs.send(std::string_view(text).substr(sent_before)));
      EXPECT_TRUE(into + rest == text) << "cancelled behind " << sent_before;
    });
  }
}

TEST_P(stream_read, cancelled_takes_nothing) {
  run([&]() -> task<> {
    stream_ends ends = connected();
    result<lease> late = co_await with_deadline(0ns, ends.ours.read());
    EXPECT_FALSE(late);
    EXPECT_TRUE(late.error().is_timeout());
    co_await ends.theirs.send("kept");
    result<lease> kept = co_await ends.ours.read();
    EXPECT_EQ(text_of(*kept), "kept");
  });
}

TEST_P(tcp_read, of_a_reset_connection_fails_again_and_again) {
  run([&]() -> task<> {
    stream_ends ends = connected();
    ends.theirs.reset();
    for (int again = 0; again < 3; ++again) {
      result<lease> piece = co_await ends.ours.read();
      EXPECT_FALSE(piece);
      EXPECT_EQ(piece.error(), std::errc::connection_reset);
    }
  });
}

TEST_P(tcp_read, gives_what_came_before_a_reset_first) {
  run([&]() -> task<> {
    stream_ends ends = connected();
    co_await ends.theirs.send("last words");
    co_await until([&] { return pinned_slots() == 1; });
    ends.theirs.reset();
    co_await turns(5);
    const std::string words = co_await read_text(ends.ours, 10);
    EXPECT_EQ(words, "last words");
    result<lease> piece = co_await ends.ours.read();
    EXPECT_FALSE(piece);
  });
}

TEST_P(tcp_read, of_megabytes_reports_a_reset_to_every_later_read_too) {
  run([&]() -> task<> {
    stream_ends ends = connected();
    const auto reset_when_it_waits = [&]() -> task<> {
      co_await turns(5);
      ends.theirs.reset();
    };
    std::string into(4'000'000, '\0');
    auto [moved, done] = co_await when_all(ends.ours.read_exactly(std::as_writable_bytes(std::span(into))),
                                           reset_when_it_waits());
    EXPECT_EQ(moved.bytes(), 0u);
    EXPECT_EQ(moved.error(), std::errc::connection_reset);
    for (int again = 0; again < 2; ++again) {
      result<lease> piece = co_await ends.ours.read();
      EXPECT_FALSE(piece) << "an end of file would be a lie";
    }
  });
}

TEST_P(tcp_read, of_megabytes_gives_what_came_before_a_reset) {
  run([&]() -> task<> {
    stream_ends ends = connected();
    const std::string part = pattern(500'000);
    const auto send_part_then_reset = [&]() -> task<> {
      co_await ends.theirs.send(part);
      // A reset takes back what has not arrived, and what was not read.
      co_await until([&] {
        return undelivered_bytes(ends.theirs.number()) == 0 && unread_bytes(ends.ours.native_handle()) == 0;
      });
      ends.theirs.reset();
    };
    std::string into(4'000'000, '\0');
    auto [moved, sent] = co_await when_all(ends.ours.read_exactly(std::as_writable_bytes(std::span(into))),
                                           send_part_then_reset());
    EXPECT_FALSE(moved);
    EXPECT_EQ(moved.bytes(), part.size());
    into.resize(moved.bytes());
    EXPECT_TRUE(into == part);
  });
}

TEST_P(stream_read, goes_on_when_the_stream_is_moved) {
  run([&]() -> task<> {
    stream_ends ends = connected();
    stream moved = std::move(ends.ours);
    EXPECT_FALSE(ends.ours);
    EXPECT_TRUE(moved);
    co_await ends.theirs.send("to the new place");
    const std::string text = co_await read_text(moved, 16);
    EXPECT_EQ(text, "to the new place");
  });
}

/// Asking costs nothing while streaming: a read is tried only when something is there (T2).
TEST_P(stream_read, never_asks_in_vain) {
  const std::string text = pattern(4'000'000);
  run([&]() -> task<> {
    stream_ends ends = connected();
    const std::uint64_t again_before = on().counters().receive_again;
    std::size_t done = 0;
    bool all_right = true;
    while (done < text.size()) {
      // Plain calls, so that the counters are the stream's alone.
      const std::size_t size = std::min<std::size_t>(50'000, text.size() - done);
      const ssize_t sent = calls().send(ends.theirs.number(), text.data() + done, size, MSG_NOSIGNAL);
      const std::string got =
          co_await read_text(ends.ours, static_cast<std::size_t>(std::max<ssize_t>(sent, 0)));
      all_right = all_right && got == text.substr(done, got.size());
      done += got.size();
    }
    EXPECT_TRUE(all_right);
    EXPECT_EQ(on().counters().receive_again, again_before);
  });
}

INSTANTIATE_TEST_SUITE_P(backends, stream_read, over_each_transport(), name_of_transport);
INSTANTIATE_TEST_SUITE_P(backends, tcp_read, over_tcp(), name_of_transport);

} // namespace
} // namespace weir::test
