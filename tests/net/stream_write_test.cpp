// What becomes of a stream's writes: gathered into few calls, whole, in order, and counted where they end
// half-way.
#include "stream_ends.hpp"

namespace weir::test {
namespace {

using stream_write = stream_test;

TEST_P(stream_write, arrives) {
  run([&]() -> task<> {
    stream_ends ends = connected();
    result<std::size_t> count = co_await ends.ours.write(bytes_of("hello"));
    EXPECT_EQ(count.value_or(99), 5u);
    const std::string text = co_await ends.theirs.read(5);
    EXPECT_EQ(text, "hello");
  });
}

TEST_P(stream_write, all_waits_for_a_reader_of_megabytes) {
  const std::string text = pattern(8'000'000);
  run([&]() -> task<> {
    stream_ends ends = connected();
    auto [sent, received] = co_await when_all(write_text(ends.ours, text), ends.theirs.read(text.size()));
    EXPECT_TRUE(received == text);
  });
}

TEST_P(stream_write, many_in_a_turn_leave_in_one_call) {
  run([&]() -> task<> {
    stream_ends ends = connected();
    const std::uint64_t calls_before = on().counters().send_calls;
    std::string expected;
    for (int i = 0; i < 1000; ++i) {
      const std::string word = std::to_string(i) + " ";
      expected += word;
      co_await write_text(ends.ours, word);
    }
    EXPECT_EQ(on().counters().send_calls, calls_before) << "nothing leaves before the end of the turn";
    result<> flushed = co_await ends.ours.flush();
    EXPECT_TRUE(flushed);
    EXPECT_EQ(on().counters().send_calls, calls_before + 1);
    EXPECT_EQ(read_available(ends.theirs.number()), expected);
  });
}

TEST_P(stream_write, of_leases_keeps_the_order_among_copies) {
  run([&]() -> task<> {
    stream_ends ends = connected();
    const std::string large = pattern(200'000);
    std::string expected;
    for (int i = 0; i < 30; ++i) { // more pieces than one call gathers
      co_await write_text(ends.ours, "header ");
      const std::size_t body_bytes = i % 3 == 0 ? 60'000 : 7;
      result<> written = co_await ends.ours.write(lease::copy_of(bytes_of(large).first(body_bytes)));
      EXPECT_TRUE(written);
      expected += "header " + large.substr(0, body_bytes);
      if (expected.size() > 150'000) {
        const std::string received = co_await ends.theirs.read(expected.size());
        EXPECT_TRUE(received == expected);
        expected.clear();
      }
    }
    const std::string received = co_await ends.theirs.read(expected.size());
    EXPECT_TRUE(received == expected);
  });
}

TEST_P(stream_write, takes_what_fits_below_the_mark_and_then_waits) {
  run([&]() -> task<> {
    stream_options options;
    options.send_bytes = 10'000;
    stream_ends ends = connected(options);
    fill(ends.ours.native_handle());
    const std::string text = pattern(15'000);
    EXPECT_TRUE(ends.ours.is_writable());
    result<std::size_t> count = co_await ends.ours.write(bytes_of(text));
    EXPECT_EQ(count.value_or(0), 10'000u);
    EXPECT_FALSE(ends.ours.is_writable());

    result<std::size_t> more = co_await with_deadline(1ms, ends.ours.write(bytes_of(text)));
    EXPECT_FALSE(more);
    EXPECT_TRUE(more.error().is_timeout());
    EXPECT_EQ(ends.ours.output().bytes(), 10'000u) << "a write that is cancelled takes nothing";

    const auto write_rest = [&]() -> task<> { co_await write_text(ends.ours, text.substr(10'000)); };
    const auto read_all = [&]() -> task<std::string> {
      std::string all;
      co_await until([&] {
        all += read_available(ends.theirs.number());
        return all.size() >= text.size() && all.ends_with(text);
      });
      co_return all;
    };
    auto [written, all] = co_await when_all(write_rest(), read_all());
    EXPECT_TRUE(all.ends_with(text));
  });
}

TEST_P(stream_write, all_cancelled_half_way_tells_exactly_what_will_be_sent) {
  const std::string text = pattern(16'000'000);
  run([&]() -> task<> {
    stream_ends ends = connected();
    cancellation scope;
    const auto write = [&]() -> task<transfer> {
      co_return co_await ends.ours.write_all(bytes_of(text)).under(&scope);
    };
    const auto read_some_then_cancel = [&]() -> task<std::string> {
      std::string some = co_await ends.theirs.read(1'000'000);
      scope.request();
      co_return some;
    };
    auto [moved, received] = co_await when_all(write(), read_some_then_cancel());
    EXPECT_FALSE(moved);
    EXPECT_TRUE(moved.error().is_cancelled());
    EXPECT_GE(moved.bytes(), received.size());
    EXPECT_LT(moved.bytes(), text.size());

    auto [closed, rest] = co_await when_all(ends.ours.close(), ends.theirs.read_to_end());
    EXPECT_TRUE(closed);
    received += rest;
    EXPECT_EQ(received.size(), moved.bytes());
    EXPECT_TRUE(received == text.substr(0, moved.bytes()));
  });
}

TEST_P(stream_write, flush_waits_until_the_kernel_has_it) {
  run([&]() -> task<> {
    stream_ends ends = connected();
    result<> at_once = co_await ends.ours.flush();
    EXPECT_TRUE(at_once) << "nothing to wait for";
    const std::size_t filled = fill(ends.ours.native_handle());
    co_await write_text(ends.ours, "behind it all");
    result<> in_vain = co_await with_deadline(1ms, ends.ours.flush());
    EXPECT_FALSE(in_vain);
    auto [flushed, read] = co_await when_all(ends.ours.flush(), ends.theirs.read(filled));
    EXPECT_TRUE(flushed);
    EXPECT_TRUE(ends.ours.output().empty());
    const std::string text = co_await ends.theirs.read(13);
    EXPECT_EQ(text, "behind it all");
  });
}

TEST_P(stream_write, counts_and_tells_what_the_kernel_took) {
  run([&]() -> task<> {
    stream_ends ends = connected();
    struct observed {
      stream& of;
      std::uint64_t last = 0;
      int calls = 0;
    } seen{ends.ours};
    ends.ours.on_bytes_sent(
        [](void* context) noexcept {
          auto& record = *static_cast<observed*>(context);
          EXPECT_GT(record.of.bytes_sent(), record.last);
          record.last = record.of.bytes_sent();
          ++record.calls;
        },
        &seen);
    const std::string text = pattern(3'000'000);
    auto [written, received] = co_await when_all(write_text(ends.ours, text), ends.theirs.read(text.size()));
    co_await until([&] { return ends.ours.output().empty(); });
    EXPECT_EQ(seen.last, text.size());
    EXPECT_GE(seen.calls, 1);
    ends.ours.on_bytes_sent(nullptr, nullptr);
    co_await write_text(ends.ours, "unobserved");
    co_await ends.theirs.read(10);
    EXPECT_EQ(seen.last, text.size());
  });
}

TEST_P(stream_write, in_place_leaves_like_any_other) {
  run([&]() -> task<> {
    stream_ends ends = connected();
    std::byte* room = ends.ours.output().prepare(8);
    std::ranges::copy(bytes_of("in place"), room);
    ends.ours.output().commit(8);
    ends.ours.output_written();
    const std::string text = co_await ends.theirs.read(8);
    EXPECT_EQ(text, "in place");
  });
}

TEST_P(stream_write, to_a_peer_that_is_gone_fails_again_and_again) {
  run([&]() -> task<> {
    stream_ends ends = connected();
    ends.theirs.close();
    // The first bytes may still find a socket that does not know.
    const auto write_until_it_fails = [&]() -> task<result<std::size_t>> {
      result<std::size_t> count = co_await ends.ours.write(bytes_of("anybody there?"));
      while (count) {
        co_await turns(1);
        count = co_await ends.ours.write(bytes_of("anybody there?"));
      }
      co_return count;
    };
    result<std::size_t> count = co_await write_until_it_fails();
    EXPECT_TRUE(count.error() == std::errc::broken_pipe || count.error() == std::errc::connection_reset)
        << count.error().message();
    result<> flushed = co_await ends.ours.flush();
    EXPECT_FALSE(flushed);
    const transfer moved = co_await ends.ours.write_all(bytes_of("more"));
    EXPECT_FALSE(moved);
    EXPECT_EQ(moved.bytes(), 0u);
    result<> closed = co_await ends.ours.close();
    EXPECT_FALSE(closed) << "not everything was sent";
  });
}

/// Both ends write more than any buffer holds while both read: neither direction may hold up the other.
TEST_P(stream_write, and_reads_do_not_wait_for_each_other) {
  const std::string text = pattern(6'000'000);
  run([&]() -> task<> {
    connection pair = connect_pair(over());
    result<stream> left = stream::adopt(std::move(pair.ours));
    result<stream> right = stream::adopt(std::move(pair.theirs));
    auto [a, b, from_right, from_left] =
        co_await when_all(write_text(*left, text), write_text(*right, text), read_text(*left, text.size()),
                          read_text(*right, text.size()));
    EXPECT_TRUE(from_right == text);
    EXPECT_TRUE(from_left == text);
  });
}

INSTANTIATE_TEST_SUITE_P(backends, stream_write, over_each_transport(), name_of_transport);

} // namespace
} // namespace weir::test
