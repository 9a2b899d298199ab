// One connection after its handshake: what it keeps, what it answers, when it stops reading and when it ends.
#include <weir/io/system_calls.hpp>
#include <weir/zmtp/session.hpp>

#include <gtest/gtest.h>
#include <support/coroutine_fixture.hpp>
#include <support/raw_socket.hpp>
#include <support/zmtp_wire.hpp>

#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace weir::zmtp {
namespace {

using namespace test;
using namespace weir::test;

/// A session with the pipe and the peer that it stands between.
class rig final : public session_owner {
 public:
  explicit rig(loop& on, const socket_options& with = socket_options(), const scan_limits& limits = {})
      : options(with), on_(on), peer(limits, on.send_buffers(), 0, on.options().stream_send_bytes) {
    connection pair = connect_pair(weir::test::transport::local);
    wire = raw_socket(std::move(pair.theirs));
    ours = std::move(*stream::adopt(std::move(pair.ours), options.stream));
    peer.in.scanner().allow_messages();
    peer.out.attach(ours);
  }

  /// As a socket runs it.
  task<> run(std::string first = {}) {
    session current(*this, ours, peer, options);
    ended = co_await current.run(lease::copy_of(std::as_bytes(std::span(first)))).under(&scope);
    peer.in.end_of_connection();
    peer.out.begin_detach();
    outbound unsent(on_.send_buffers());
    co_await ours.abort(unsent);
    unsent.clear();
    peer.out.end_detach(unsent);
  }

  std::optional<parts> take() {
    if (!peer.in.has_message()) return std::nullopt;
    message taken;
    peer.in.take(taken);
    if (peer.in.messages() <= options.receive_hwm / 2) peer.room.set();
    return parts_of(taken);
  }
  task<parts> next() {
    co_await until([this] { return peer.in.has_message() || ended; });
    co_return take().value_or(parts{"nothing came"});
  }
  /// Lets `main` drive the peer; then the peer closes, and the session ends.
  task<> drive(task<> main, std::string first = {}) {
    co_await when_all(run(std::move(first)), with_close(std::move(main)));
  }

  bool messages_arrived(pipe&) noexcept override {
    ++arrivals;
    return false;
  }

  socket_options options;
  loop& on_;
  pipe peer;
  raw_socket wire;
  stream ours;
  cancellation scope;
  std::optional<error> ended;
  int arrivals = 0;

 private:
  task<> with_close(task<> main) {
    co_await std::move(main);
    wire.close();
  }
};

using session_test = backend_test;

TEST_P(session_test, keeps_what_came_behind_the_handshake) {
  run([&]() -> task<> {
    rig with(on());
    const auto main = [&]() -> task<> {
      co_await with.wire.send(wire_frame("second"));
      const parts first = co_await with.next();
      EXPECT_EQ(first, parts{"first"});
      const parts second = co_await with.next();
      EXPECT_EQ(second, parts{"second"});
    };
    co_await with.drive(main(), wire_frame("first"));
    EXPECT_EQ(*with.ended, errc::end_of_stream);
    EXPECT_GE(with.arrivals, 2);
  });
}

TEST_P(session_test, understands_every_cut_of_the_stream) {
  run([&]() -> task<> {
    const std::vector<parts> messages = {{"a"}, {"", std::string(300, 'b')}, {"c", "", "d"}};
    std::string text = wire_command("PING", std::string(2, '\0'));
    for (const parts& each : messages) text += wire_message(each);
    rig with(on());
    const auto main = [&]() -> task<> {
      for (std::size_t cut = 1; cut < text.size(); ++cut) {
        co_await with.wire.send(std::string_view(text).substr(0, cut));
        co_await turns(2); // so that both pieces are received on their own
        co_await with.wire.send(std::string_view(text).substr(cut));
        for (const parts& each : messages) {
          const parts got = co_await with.next();
          EXPECT_EQ(got, each) << "cut behind " << cut;
        }
        const std::string pong = co_await with.wire.read(7);
        EXPECT_EQ(pong, wire_command("PONG"));
      }
    };
    co_await with.drive(main());
  });
}

TEST_P(session_test, answers_a_ping_with_its_context_at_once) {
  run([&]() -> task<> {
    socket_options slow_consumer;
    slow_consumer.receive_hwm = 2;
    rig with(on(), slow_consumer);
    const auto main = [&]() -> task<> {
      co_await with.wire.send(wire_frame("nobody takes it") + std::string("\4\x0a\4PING\0\0LOL", 12));
      const std::string pong = co_await with.wire.read(10);
      EXPECT_EQ(pong, std::string("\4\x08\4PONGLOL", 10));
      // The context is cut to 16 bytes.
      co_await with.wire.send(wire_command("PING", std::string(2, '\0') + std::string(58, 'c')));
      const std::string cut = co_await with.wire.read(23);
      EXPECT_EQ(cut, wire_command("PONG", std::string(16, 'c')));
    };
    co_await with.drive(main());
  });
}

TEST_P(session_test, passes_over_commands_that_it_does_not_know) {
  run([&]() -> task<> {
    rig with(on());
    const auto main = [&]() -> task<> {
      co_await with.wire.send(wire_command("PONG") + wire_command("SUBSCRIBE", "A") +
                              wire_command("WHATEVER") + wire_ready("DEALER") + wire_frame("message"));
      const parts got = co_await with.next();
      EXPECT_EQ(got, parts{"message"});
    };
    co_await with.drive(main());
  });
}

struct fault {
  const char* name;
  std::string bytes;
  errc code;
};

const std::vector<fault> faults = {
    {"an_error_command", wire_command("ERROR", "\4lies"), errc::protocol},
    {"a_reserved_flag", std::string("\x08\0", 2), errc::protocol},
    {"a_command_with_more", std::string("\5\0", 2), errc::protocol},
    {"a_command_without_a_name", std::string("\4\0", 2), errc::protocol},
    {"a_ping_without_ttl", wire_command("PING"), errc::protocol},
    {"a_message_over_the_limit", "\2" + big_endian(2'000'001, 8), errc::limit_reached},
    {"a_length_of_63_bits", "\2" + big_endian(~std::uint64_t{0} >> 1, 8), errc::limit_reached},
    {"a_length_of_64_bits", "\2" + big_endian(~std::uint64_t{0}, 8), errc::protocol},
    {"a_command_over_the_limit", "\6" + big_endian(100'000, 8), errc::limit_reached},
};

/// Good messages in the same chunk stay good.
TEST_P(session_test, ends_at_each_fault_and_keeps_the_messages_before_it) {
  for (const fault& each : faults) {
    run([&]() -> task<> {
      scan_limits limits;
      limits.message_bytes_max = 2'000'000;
      rig with(on(), socket_options(), limits);
      const auto main = [&]() -> task<> {
        const std::string whole = wire_frame("good") + wire_message({"also", "good"});
        co_await with.wire.send(whole + wire_frame("cut", 1) + each.bytes);
        co_await until([&] { return with.ended.has_value(); });
      };
      co_await with.drive(main());
      EXPECT_EQ(*with.ended, each.code) << each.name << ": " << with.ended->message();
      EXPECT_EQ(with.take(), parts{"good"}) << each.name;
      EXPECT_EQ(with.take(), (parts{"also", "good"})) << each.name;
      EXPECT_EQ(with.take(), std::nullopt) << each.name;
    });
  }
}

TEST_P(session_test, ends_with_the_scope_and_keeps_whole_messages) {
  run([&]() -> task<> {
    rig with(on());
    const auto main = [&]() -> task<> {
      co_await with.wire.send(wire_frame("whole") + wire_frame("cut", 1));
      co_await until([&] { return with.peer.in.has_message(); });
      with.scope.request();
      co_await until([&] { return with.ended.has_value(); });
    };
    co_await with.drive(main());
    EXPECT_TRUE(with.ended->is_cancelled());
    EXPECT_EQ(with.take(), parts{"whole"});
    EXPECT_EQ(with.take(), std::nullopt);
  });
}

TEST_P(session_test, receives_large_bodies_among_small_ones) {
  const std::string large = pattern(3'000'000);
  run([&]() -> task<> {
    rig with(on());
    const auto main = [&]() -> task<> {
      const std::string text = wire_message({"small", large, "end"}) + wire_frame("next") + wire_frame(large);
      const auto take = [&]() -> task<> {
        const parts first = co_await with.next();
        EXPECT_TRUE(first == (parts{"small", large, "end"}));
        const parts second = co_await with.next();
        EXPECT_EQ(second, parts{"next"});
        const parts third = co_await with.next();
        EXPECT_TRUE(third == parts{large});
      };
      co_await when_all(with.wire.send(text), take());
    };
    co_await with.drive(main());
    EXPECT_EQ(with.peer.in.pinned_bytes(), 0u);
  });
}

// --- backpressure ---

TEST_P(session_test, stops_reading_at_its_mark_and_goes_on_at_half) {
  run([&]() -> task<> {
    socket_options options;
    options.receive_hwm = 10;
    rig with(on(), options);
    const auto main = [&]() -> task<> {
      const std::string one = wire_frame(std::string(8'000, 'm'));
      std::string many;
      for (int i = 0; i < 2000; ++i) many += one;
      std::size_t sent = 0;
      const auto send_until_stuck = [&]() -> task<> {
        for (int stuck = 0; stuck < 20;) {
          const ssize_t count =
              calls().send(with.wire.number(), many.data() + sent, many.size() - sent, MSG_NOSIGNAL);
          sent += static_cast<std::size_t>(std::max<ssize_t>(count, 0));
          stuck = count > 0 ? 0 : stuck + 1;
          co_await turns(2);
        }
      };
      co_await send_until_stuck();
      EXPECT_LT(sent, many.size()) << "the peer was never stopped";
      const std::uint64_t waiting = with.peer.in.messages();
      EXPECT_GE(waiting, 10u);
      EXPECT_LE(waiting, 15u) << "what one piece brought on top of the mark";
      EXPECT_TRUE(with.peer.waits_for_room);

      while (with.peer.in.messages() > 6) with.take();
      co_await turns(5);
      EXPECT_EQ(with.peer.in.messages(), 6u) << "above half it goes on waiting";
      with.take();
      co_await until([&] { return with.peer.in.messages() > 5; });
      std::size_t taken = waiting - 5;
      const auto take_rest = [&]() -> task<> {
        while (taken < 2000) {
          const parts got = co_await with.next();
          EXPECT_EQ(got.front().size(), 8'000u);
          ++taken;
        }
      };
      co_await when_all(take_rest(), with.wire.send(std::string_view(many).substr(sent)));
    };
    co_await with.drive(main());
  });
}

/// Neither side may wait for the other to read first.
TEST_P(session_test, reads_on_while_its_own_output_is_stuck) {
  run([&]() -> task<> {
    rig with(on());
    const auto main = [&]() -> task<> {
      fill(with.ours.native_handle());
      while (!with.peer.out.is_full()) with.peer.out.push(message({std::string(10'000, 'o')}));
      co_await turns(3);
      co_await with.wire.send(wire_frame("heard"));
      const parts got = co_await with.next();
      EXPECT_EQ(got, parts{"heard"});
    };
    co_await with.drive(main());
  });
}

TEST_P(session_test, a_flood_of_pings_fills_no_memory) {
  run([&]() -> task<> {
    rig with(on());
    const auto main = [&]() -> task<> {
      std::string pings;
      for (int i = 0; i < 10'000; ++i) pings += wire_command("PING", std::string(2, '\0') + "context");
      for (int i = 0; i < 20; ++i) co_await with.wire.send(pings); // 3 MB, of which no PONG is read
      co_await until([&] { return unread_bytes(with.ours.native_handle()) == 0; });
      co_await turns(3);
      EXPECT_LE(with.ours.output().bytes(), on().options().stream_send_bytes + 100);
      EXPECT_LE(with.peer.in.pinned_bytes(), on().buffers().slot_bytes());
    };
    co_await with.drive(main());
  });
}

TEST_P(session_test, heartbeats_of_an_idle_peer_pin_nothing) {
  run([&]() -> task<> {
    rig with(on());
    const auto main = [&]() -> task<> {
      for (int i = 0; i < 50; ++i) {
        co_await with.wire.send(wire_command("PING", std::string(2, '\0')));
        const std::string pong = co_await with.wire.read(7);
        EXPECT_EQ(pong, wire_command("PONG"));
      }
      EXPECT_EQ(with.peer.in.pinned_bytes(), 0u);
    };
    co_await with.drive(main());
  });
}

TEST_P(session_test, ends_when_commands_within_a_message_do_not_end) {
  run([&]() -> task<> {
    rig with(on());
    const auto main = [&]() -> task<> {
      std::string pings;
      for (int i = 0; i < 1'000; ++i) pings += wire_command("PONG");
      co_await with.wire.send(wire_frame("begun", 1));
      while (!with.ended) {
        const std::size_t sent = co_await with.wire.try_send(pings);
        if (sent < pings.size()) break;
      }
      co_await until([&] { return with.ended.has_value(); });
    };
    co_await with.drive(main());
    EXPECT_EQ(*with.ended, errc::limit_reached);
  });
}

/// Messages larger than all slots together, in frames too small for memory of their own: what is not whole
/// yet must not wait for slots that it holds itself.
TEST_P(session_test, a_message_larger_than_the_pool_comes_through) {
  loop_options small = options();
  small.buffers.budget_bytes = std::size_t{2} << 20;
  reopen(small);
  run([&]() -> task<> {
    rig with(on());
    const auto main = [&]() -> task<> {
      const parts large(100, pattern(100'000));
      const auto take = [&]() -> task<> {
        const parts got = co_await with.next();
        EXPECT_TRUE(got == large);
      };
      co_await when_all(with.wire.send(wire_message(large)), take());
    };
    co_await with.drive(main());
  });
}

INSTANTIATE_TEST_SUITE_P(backends, session_test, on_each_backend(), name_of_backend);

} // namespace
} // namespace weir::zmtp
