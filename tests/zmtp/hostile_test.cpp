// Peers that mean harm after a proper handshake: each loses its own connection, in the end, and a good peer
// is served throughout. What they do in the handshake is in handshake_test, what a session does with their
// bytes in session_test.
#include <gtest/gtest.h>
#include <support/descriptors.hpp>
#include <support/zmtp_peers.hpp>

#include <functional>
#include <random>
#include <string>
#include <vector>

namespace weir::zmtp {
namespace {

using namespace test;
using enum socket_event_kind;

class hostile_test : public backend_test {
 protected:
  /// A router on which `attack` is made while a good peer asks and is answered all the time, from before the
  /// attack on.
  void under_attack(socket_options options,
                    std::function<task<>(router& target, std::string endpoint)> attack) {
    log.listen_to(options);
    run([&]() -> task<> {
      router target(std::move(options));
      const std::string endpoint = bind_to(target, any_tcp);
      dealer good(quick("good"));
      connect_to(good, endpoint);
      bool is_over = false;
      const auto echo = [&]() -> task<> {
        message in;
        result<> got = co_await target.receive(in);
        while (got) {
          if (in[0] == "good") got = co_await target.send(in);
          if (got) got = co_await target.receive(in);
        }
      };
      const auto ask = [&]() -> task<> {
        bool is_served = true;
        for (int i = 0; is_served && (!is_over || i < 10); ++i) {
          co_await send(good, "question", std::to_string(i));
          const parts answer = co_await receive(good);
          is_served = answer == parts{"question", std::to_string(i)};
          if (is_served) ++answered;
        }
        EXPECT_TRUE(is_served);
        co_await when_all(good.close(), target.close());
      };
      const auto make_attack = [&]() -> task<> {
        co_await until([&] { return answered > 0; });
        co_await attack(target, endpoint);
        const int before = answered;
        co_await until([&] { return answered >= before + 3; });
        is_over = true;
      };
      co_await when_all(echo(), ask(), make_attack());
    });
    EXPECT_GE(answered, 10);
  }

  event_log log;
  int answered = 0;
};

TEST_P(hostile_test, broken_frames_end_their_connection_with_a_clear_error) {
  const std::vector<std::string> attacks = {
      std::string("\x08\0", 2),                                // a reserved flag
      std::string("\x05\1x", 3),                               // a command with MORE
      std::string("\x04\0", 2),                                // a command without a name
      "\2" + big_endian(~std::uint64_t{0}, 8),                 // a length of 64 bits
      "\2" + big_endian(std::uint64_t{1} << 40, 8),            // a terabyte
      "\6" + big_endian(std::uint64_t{1} << 30, 8) + "\4PING", // a command of a gigabyte
      wire_command("ERROR", "\3bye"),
      wire_command("PING"), // without a time to live
  };
  under_attack(quick(), [&](router&, std::string endpoint) -> task<> {
    for (const std::string& each : attacks) {
      const std::size_t before = log.count(disconnected);
      wire_peer bad = co_await join(endpoint);
      co_await bad.try_send(wire_frame("a good one first") + each);
      co_await bad.read_to_end();
      co_await log.wait_for(disconnected, before + 1);
      const error why = log.reason_of(disconnected);
      EXPECT_TRUE(why == errc::protocol || why == errc::limit_reached) << why.message();
      EXPECT_STRNE(why.operation(), "");
    }
  });
}

TEST_P(hostile_test, resets_within_a_frame_cost_nothing_but_the_frame) {
  const std::string text = wire_message({"first", std::string(1'000, 's'), std::string(500'000, 'l')});
  under_attack(quick(), [&](router&, std::string endpoint) -> task<> {
    for (const std::size_t end : {1u, 2u, 9u, 10u, 500u, 1'020u, 5'000u, 300'000u}) {
      const std::size_t before = log.count(disconnected);
      wire_peer bad = co_await join(endpoint);
      co_await bad.send(std::string_view(text).substr(0, end));
      bad.reset();
      co_await log.wait_for(disconnected, before + 1);
      const error why = log.reason_of(disconnected);
      EXPECT_TRUE(why == std::errc::connection_reset || why == errc::end_of_stream) << why.message();
    }
  });
}

TEST_P(hostile_test, promises_of_large_bodies_take_no_memory_until_they_are_kept) {
  under_attack(quick(), [&](router&, std::string endpoint) -> task<> {
    constexpr std::size_t liars_max = 50; // who promise 20 MiB each: far more than the slots of all streams
    constexpr std::size_t good_slots_max = 2;
    std::vector<wire_peer> liars;
    const std::size_t slots_before = on().buffers().slots_in_use();
    while (liars.size() < liars_max) {
      liars.push_back(co_await join(endpoint));
      co_await liars.back().send("\2" + big_endian(std::uint64_t{20} << 20, 8) + "a few bytes");
    }
    co_await turns(20);
    EXPECT_LE(on().buffers().slots_in_use(), slots_before + liars_max + good_slots_max);
    liars.clear();
    co_await log.wait_for(disconnected, liars_max);
  });
}

TEST_P(hostile_test, endless_commands_are_obeyed_in_bounded_memory) {
  under_attack(quick(), [&](router&, std::string endpoint) -> task<> {
    std::string pings;
    for (int i = 0; i < 10'000; ++i) pings += wire_command("PING", std::string(2, '\0') + "sixteen bytes ..");
    wire_peer bad = co_await join(endpoint);
    const std::size_t slots_before = on().buffers().slots_in_use();
    for (int i = 0; i < 30; ++i) co_await bad.try_send(pings); // 7 MB, of which no PONG is ever read
    EXPECT_LE(on().buffers().slots_in_use(), slots_before + 20);
    EXPECT_LE(on().send_buffers().bytes_in_use(), 2 * on().options().stream_send_bytes);
  });
}

TEST_P(hostile_test, a_message_without_end_is_cut_at_its_limits) {
  for (const bool in_frames : {true, false}) {
    socket_options options = quick();
    options.limits.message_bytes_max = 1'000'000;
    options.limits.frames_max = 1'000;
    const std::size_t before = log.count(disconnected);
    under_attack(std::move(options), [&](router&, std::string endpoint) -> task<> {
      wire_peer bad = co_await join(endpoint);
      const std::string part = wire_frame(std::string(in_frames ? 1 : 100'000, 'e'), 1);
      bool goes_on = true;
      while (goes_on) {
        const std::size_t sent = co_await bad.try_send(part);
        goes_on = sent == part.size();
      }
      co_await log.wait_for(disconnected, before + 1);
      EXPECT_EQ(log.reason_of(disconnected), errc::limit_reached);
    });
  }
}

/// It is sent to but never reads: what it is sent waits up to the mark of its own queue, nobody else's.
TEST_P(hostile_test, a_peer_that_never_reads_fills_its_own_queue_only) {
  under_attack(quick(), [&](router& target, std::string endpoint) -> task<> {
    wire_peer bad = co_await join(endpoint, "DEALER", "bad");
    const std::string body(20'000, 'n');
    bool is_stuck = false;
    while (!is_stuck) {
      const auto send_one = [&]() -> task<result<>> {
        message out({"bad", body});
        co_return co_await target.send(out);
      };
      result<> sent = co_await with_deadline(2ms, send_one());
      is_stuck = !sent;
    }
    const std::size_t mark_bytes = on().options().stream_send_bytes;
    EXPECT_LE(on().send_buffers().bytes_in_use(), 2 * mark_bytes + 4 * on().send_buffers().slot_bytes());
    const int before = answered;
    co_await until([&] { return answered >= before + 20; });
  });
}

TEST_P(hostile_test, connections_that_come_and_go_leave_nothing) {
  under_attack(quick(), [&](router& target, std::string endpoint) -> task<> {
    const std::size_t open_before = open_descriptors();
    constexpr int visitors = 100;
    for (int i = 0; i < visitors; ++i) {
      wire_peer bad = co_await wire_peer::connect(endpoint);
      if (i % 3 == 0) co_await bad.try_send(wire_greeting());
      if (i % 3 == 1)
        co_await bad.try_send(wire_greeting() + wire_ready("DEALER", "id " + std::to_string(i)));
      if (i % 2 == 0) bad.reset();
    }
    co_await until([&] { return log.count(handshake_failed) + log.count(disconnected) == visitors; });
    co_await until([&] { return open_descriptors() <= open_before; });
    EXPECT_EQ(target.connected(), 1u);
  });
}

/// Random bytes behind a good handshake: the good peer notices nothing, and nothing crashes.
TEST_P(hostile_test, noise_ends_or_waits_but_disturbs_nobody) {
  under_attack(quick(), [&](router&, std::string endpoint) -> task<> {
    std::mt19937 random(3);
    for (int i = 0; i < 60; ++i) {
      wire_peer bad = co_await join(endpoint);
      std::string noise(random() % 3000, '\0');
      for (char& each : noise) each = static_cast<char>(random() % (i % 2 == 0 ? 256 : 8));
      co_await bad.try_send(wire_frame("good") + noise);
      bad.end();
      co_await bad.read_to_end();
    }
  });
}

INSTANTIATE_TEST_SUITE_P(backends, hostile_test, on_each_backend(), name_of_backend);

} // namespace
} // namespace weir::zmtp
