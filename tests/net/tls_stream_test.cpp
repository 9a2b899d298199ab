// What a TLS connection promises once the handshake is done: bytes in order, an end that cannot be forged,
// calls that can be cancelled, memory that stays bounded.
#include "tls_ends.hpp"

#include <support/allocations.hpp>

#include <array>
#include <optional>

namespace weir::test {
namespace {

class tls_stream_life : public tls_test {
 protected:
  /// Writes until neither the kernel nor the other end takes any more, then gives up.
  task<transfer> write_until_stuck(tls_stream& to, std::string_view text) {
    cancellation scope;
    transfer moved(0);
    auto write = [&]() -> task<> { moved = co_await to.write_all(bytes_of(text)).under(&scope); };
    auto cancel_when_stuck = [&]() -> task<> {
      for (std::uint64_t before = ~std::uint64_t{0}; before != on().counters().bytes_received;) {
        before = on().counters().bytes_received;
        co_await turns(20);
      }
      scope.request();
    };
    co_await when_all(write(), cancel_when_stuck());
    co_return moved;
  }
};

using tls_tcp_life = tls_stream_life;

/// More than any kernel takes of a connection that nobody reads.
const std::string& large_text() {
  static const std::string text = pattern(20'000'000);
  return text;
}

constexpr tls_version both_versions[] = {tls_version::v1_2, tls_version::v1_3};

TEST_P(tls_stream_life, moves_bytes_both_ways_in_either_version) {
  for (const tls_version version : both_versions) {
    run([&]() -> task<> {
      tls_ends ends = co_await connected(plain_settings(version));
      EXPECT_EQ(ends.client->version(), version == tls_version::v1_2 ? "TLSv1.2" : "TLSv1.3");
      EXPECT_EQ(ends.server->version(), ends.client->version());
      EXPECT_EQ(ends.server->server_name(), "localhost");
      EXPECT_EQ(ends.client->peer_subject(), "CN=localhost");
      const std::string text = pattern(30'000);
      auto [there, sent] =
          co_await when_all(read_text(*ends.server, text.size()), write_text(*ends.client, text));
      EXPECT_TRUE(there == text);
      auto [back, answered] =
          co_await when_all(read_text(*ends.client, text.size()), write_text(*ends.server, text));
      EXPECT_TRUE(back == text);
    });
  }
}

TEST_P(tls_stream_life, gives_what_arrived_and_an_empty_lease_at_the_end) {
  run([&]() -> task<> {
    tls_ends ends = co_await connected();
    co_await write_text(*ends.client, "hello");
    const std::string text = co_await read_text(*ends.server, 5);
    EXPECT_EQ(text, "hello");
    co_await write_text(*ends.client, "bye");
    result<> said = co_await ends.client->shutdown();
    EXPECT_TRUE(said);
    result<lease> piece = co_await ends.server->read();
    EXPECT_TRUE(piece);
    EXPECT_EQ(text_of(*piece), "bye");
    for (int again = 0; again < 2; ++again) {
      piece = co_await ends.server->read();
      EXPECT_TRUE(piece && piece->empty());
    }
    std::array<std::byte, 1> one;
    const transfer none = co_await ends.server->read_exactly(one);
    EXPECT_EQ(none.error(), errc::end_of_stream);
  });
}

TEST_P(tls_stream_life, half_closed_still_reads) {
  for (const tls_version version : both_versions) {
    run([&]() -> task<> {
      tls_ends ends = co_await connected(plain_settings(version));
      co_await write_text(*ends.client, "question");
      result<> said = co_await ends.client->shutdown();
      EXPECT_TRUE(said);
      const ending question = co_await read_to_ending(*ends.server);
      EXPECT_EQ(question.text, "question");
      EXPECT_FALSE(question.why);
      const std::string text = pattern(20'000);
      auto [answer, sent] =
          co_await when_all(read_text(*ends.client, text.size()), write_text(*ends.server, text));
      EXPECT_TRUE(answer == text);
      result<std::size_t> too_late = co_await ends.client->write(bytes_of("more"));
      EXPECT_EQ(too_late.error(), errc::closed);
    });
  }
}

TEST_P(tls_stream_life, closing_sends_everything_and_says_so) {
  const std::string text = pattern(50'000);
  run([&]() -> task<> {
    tls_ends ends = co_await connected();
    auto write_and_close = [&]() -> task<> {
      co_await write_text(*ends.client, text);
      result<> closed = co_await ends.client->close();
      EXPECT_TRUE(closed) << closed.error().message();
      EXPECT_FALSE(*ends.client);
    };
    auto [got, closed] = co_await when_all(read_to_ending(*ends.server), write_and_close());
    EXPECT_TRUE(got.text == text);
    EXPECT_FALSE(got.why);
  });
}

/// The attack: somebody in between ends the connection, and what was said is taken for all that was to be
/// said.
TEST_P(tls_stream_life, an_end_without_close_notify_is_an_error_behind_what_arrived) {
  for (const tls_version version : both_versions) {
    run([&]() -> task<> {
      tls_ends ends = co_await connected(plain_settings(version));
      // Behind it nothing lies unread with the client: closing would reset the connection.
      co_await when_all(write_text(*ends.server, "how much?"), read_text(*ends.client, 9));
      co_await write_text(*ends.client, "transfer 1000");
      result<> flushed = co_await ends.client->flush();
      EXPECT_TRUE(flushed);
      *ends.client = tls_stream();
      const ending got = co_await read_to_ending(*ends.server);
      EXPECT_EQ(got.text, "transfer 1000");
      EXPECT_TRUE(got.why && *got.why == tls_errc::truncated);
      for (int again = 0; again < 2; ++again) {
        result<lease> next = co_await ends.server->read();
        EXPECT_EQ(next.error(), tls_errc::truncated);
      }
    });
  }
}

TEST_P(tls_stream_life, a_read_that_is_cancelled_loses_nothing) {
  const std::string text = pattern(20'000);
  run([&]() -> task<> {
    tls_ends ends = co_await connected();
    std::string received;
    auto read_in_fits = [&]() -> task<> {
      for (int round = 0; received.size() < text.size(); ++round) {
        cancellation scope;
        std::string into(1 + static_cast<std::size_t>(round % 7) * 500, '\0');
        into.resize(std::min(into.size(), text.size() - received.size()));
        transfer moved(0);
        auto read_some = [&]() -> task<> {
          moved = co_await ends.server->read_exactly(std::as_writable_bytes(std::span(into))).under(&scope);
        };
        auto cancel = [&]() -> task<> {
          co_await turns(round % 3);
          scope.request();
        };
        co_await when_all(read_some(), cancel());
        received += into.substr(0, moved.bytes());
      }
    };
    auto write_in_pieces = [&]() -> task<> {
      for (std::size_t at = 0; at < text.size(); at += 1000) {
        co_await write_text(*ends.client, std::string_view(text).substr(at, 1000));
        co_await turns(2);
      }
    };
    co_await when_all(read_in_fits(), write_in_pieces());
    EXPECT_TRUE(received == text);
  });
}

TEST_P(tls_stream_life, a_write_that_is_cancelled_tells_what_will_arrive) {
  const std::string& text = large_text();
  run([&]() -> task<> {
    tls_ends ends = co_await connected();
    const transfer moved = co_await write_until_stuck(*ends.client, text);
    EXPECT_FALSE(moved);
    EXPECT_TRUE(moved.error().is_cancelled());
    EXPECT_LT(moved.bytes(), text.size());
    EXPECT_LE(ends.client->unsent_bytes(), std::size_t{50} << 10);

    auto write_on = [&]() -> task<> {
      co_await write_text(*ends.client, "and more");
      result<> closed = co_await ends.client->close();
      EXPECT_TRUE(closed);
    };
    auto [got, done] = co_await when_all(read_to_ending(*ends.server), write_on());
    EXPECT_TRUE(got.text == text.substr(0, moved.bytes()) + "and more");
    EXPECT_FALSE(got.why);
  });
}

TEST_P(tls_stream_life, closing_cancelled_closes_all_the_same) {
  const std::string& text = large_text();
  run([&]() -> task<> {
    tls_ends ends = co_await connected();
    const transfer filled = co_await write_until_stuck(*ends.client, text);
    EXPECT_FALSE(filled);
    result<> closed = co_await with_deadline(1ms, ends.client->close());
    EXPECT_TRUE(closed.error().is_timeout());
    EXPECT_FALSE(*ends.client);
    const ending got = co_await read_to_ending(*ends.server);
    EXPECT_TRUE(text.starts_with(got.text));
    EXPECT_TRUE(got.why && *got.why == tls_errc::truncated);
  });
}

TEST_P(tls_stream_life, keys_are_updated_by_either_side_while_bytes_flow) {
  const std::string text = pattern(40'000);
  run([&]() -> task<> {
    tls_ends ends = co_await connected();
    auto write_and_update = [&](tls_stream& to) -> task<> {
      for (std::size_t at = 0; at < text.size(); at += 5000) {
        result<> updated = to.update_keys();
        EXPECT_TRUE(updated) << updated.error().message();
        co_await write_text(to, std::string_view(text).substr(at, 5000));
        co_await turns(1);
      }
    };
    auto [there, back, sent, answered] =
        co_await when_all(read_text(*ends.server, text.size()), read_text(*ends.client, text.size()),
                          write_and_update(*ends.client), write_and_update(*ends.server));
    EXPECT_TRUE(there == text);
    EXPECT_TRUE(back == text);
  });
}

/// A peer that asks for key updates and does not read the answers is not read any more.
TEST_P(tls_tcp_life, a_flood_of_key_updates_takes_bounded_memory) {
  const tls_settings settings = plain_settings();
  run([&]() -> task<> {
    auto [one, other] = memory_stream::pair(memory_stream::limits());
    tls_ends ends = co_await shake_hands(std::move(one), std::move(other), context_of(settings.client),
                                         context_of(settings.server));
    auto flood = [&]() -> task<> {
      for (int i = 0; i < 2400; ++i) {
        result<> updated = ends.client->update_keys();
        EXPECT_TRUE(updated);
        if (i % 100 == 0) co_await write_text(*ends.client, "x");
      }
      result<> said = co_await ends.client->shutdown();
      EXPECT_TRUE(said);
    };
    auto read_and_close = [&]() -> task<ending> {
      ending all = co_await read_to_ending(*ends.server);
      result<> closed = co_await ends.server->close();
      EXPECT_TRUE(closed);
      co_return all;
    };
    auto stall_then_read = [&]() -> task<ending> {
      co_await turns(100);
      EXPECT_GE(ends.server->unsent_bytes(), std::size_t{16} << 10) << "it waits with room";
      EXPECT_LE(ends.server->unsent_bytes(), std::size_t{48} << 10) << "all the answers together are 63 KiB";
      co_return co_await read_to_ending(*ends.client);
    };
    auto [got, answers, flooded] = co_await when_all(read_and_close(), stall_then_read(), flood());
    EXPECT_EQ(got.text, std::string(24, 'x'));
    EXPECT_FALSE(got.why);
    EXPECT_FALSE(answers.why);
  });
}

TEST_P(tls_stream_life, over_tls_is_a_byte_stream_as_well) {
  run([&]() -> task<> {
    tls_ends outer = co_await connected();
    tls_ends inner =
        co_await shake_hands(std::move(*outer.client), std::move(*outer.server),
                             context_of(plain_settings().client), context_of(plain_settings().server));
    EXPECT_TRUE(inner.client && inner.server);
    auto say = [&]() -> task<> {
      co_await write_text(*inner.client, "two coats");
      result<> closed = co_await inner.client->close();
      EXPECT_TRUE(closed);
    };
    auto [got, said] = co_await when_all(read_to_ending(*inner.server), say());
    EXPECT_EQ(got.text, "two coats");
    EXPECT_FALSE(got.why);
  });
}

TEST_P(tls_stream_life, destroyed_with_everything_outstanding_leaves_nothing) {
  run([&]() -> task<> {
    tls_ends ends = co_await connected();
    const transfer filled = co_await write_until_stuck(*ends.client, large_text());
    EXPECT_FALSE(filled);
  });
}

TEST_P(tls_stream_life, idle_holds_no_buffer) {
  run([&]() -> task<> {
    const std::size_t slots_before = on().buffers().slots_in_use();
    tls_ends ends = co_await connected();
    const std::string text = pattern(10'000);
    auto [got, sent] =
        co_await when_all(read_text(*ends.server, text.size()), write_text(*ends.client, text));
    cancellation scope;
    auto wait = [&](tls_stream& from) -> task<> {
      result<lease> none = co_await from.read().under(&scope);
      EXPECT_FALSE(none);
    };
    auto look = [&]() -> task<> {
      co_await turns(5);
      EXPECT_LE(on().buffers().slots_in_use(),
                std::max<std::size_t>(slots_before, on().options().io.ring_slots));
      EXPECT_EQ(on().send_buffers().slots_in_use(), 0u);
      scope.request();
    };
    co_await when_all(wait(*ends.server), wait(*ends.client), look());
  });
}

INSTANTIATE_TEST_SUITE_P(backends, tls_stream_life, over_each_carrier(), name_of_both<carrier>);
INSTANTIATE_TEST_SUITE_P(backends, tls_tcp_life, over_tls_tcp(), name_of_both<carrier>);

} // namespace
} // namespace weir::test
