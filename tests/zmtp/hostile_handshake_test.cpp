// Peers that mean harm before they are peers, in numbers, and peers that are slow on purpose: they bind what
// they bind for a while, and others are served in spite of them. What each single fault leads to is in
// handshake_test.
#include <weir/async/sleep.hpp>

#include <gtest/gtest.h>
#include <support/descriptors.hpp>
#include <support/zmtp_peers.hpp>

#include <algorithm>
#include <string>
#include <vector>

namespace weir::zmtp {
namespace {

using namespace test;
using enum socket_event_kind;

class hostile_handshake_test : public transport_test {
 protected:
  std::string_view anywhere() const { return over() == weir::test::transport::tcp ? any_tcp : any_ipc; }
  socket_options logged() {
    socket_options options = quick();
    log.listen_to(options);
    return options;
  }
  /// A good peer says something and is answered.
  static task<> expect_served(wire_peer& good, router& by) {
    co_await good.send(wire_frame("question"));
    parts got = co_await receive(by);
    EXPECT_EQ(got.back(), "question");
    got.back() = "answer";
    co_await send(by, got);
    const parts answer = co_await good.read_message();
    EXPECT_EQ(answer, parts{"answer"});
  }
  event_log log;
};

/// A byte now and then, never a handshake: all places are taken, and each is free again when the time is up.
TEST_P(hostile_handshake_test, dribbling_peers_keep_others_out_no_longer_than_a_handshake_may_take) {
  run([&]() -> task<> {
    constexpr std::size_t places = 8;
    socket_options options = logged();
    options.handshake_interval = 50ms;
    options.connections_max = places;
    options.listen.accepted_max = 1;
    router ours(options);
    const std::string endpoint = bind_to(ours, anywhere());
    std::vector<wire_peer> slow;
    for (std::size_t i = 0; i < places; ++i) slow.push_back(co_await wire_peer::connect(endpoint));
    bool is_over = false;
    const auto dribble = [&]() -> task<> {
      const std::string text = wire_greeting();
      std::size_t at = 0;
      while (!is_over) {
        const std::string_view next = std::string_view(text).substr(at, 1);
        for (wire_peer& each : slow) co_await each.try_send(next);
        at = std::min(at + 1, text.size()); // nothing follows the greeting
        result<> slept = co_await sleep_for(5ms);
        EXPECT_TRUE(slept);
      }
    };
    const auto come_and_be_served = [&]() -> task<> {
      wire_peer good = co_await join(endpoint, "DEALER", "good");
      co_await expect_served(good, ours);
      co_await log.wait_for(handshake_failed, places);
      co_await expect_served(good, ours);
      is_over = true;
    };
    co_await when_all(dribble(), come_and_be_served());
    EXPECT_EQ(log.count(handshake_failed), places);
    EXPECT_TRUE(log.reason_of(handshake_failed).is_timeout()) << log.reason_of(handshake_failed).message();
    EXPECT_EQ(ours.counters().connections, 1u);
    co_await close(ours);
  });
}

/// Wherever in the handshake it strikes.
TEST_P(hostile_handshake_test, a_reset_ends_its_own_connection_only) {
  run([&]() -> task<> {
    router ours(logged());
    const std::string endpoint = bind_to(ours, anywhere());
    wire_peer good = co_await join(endpoint, "DEALER", "good");
    const std::string text = wire_greeting() + wire_ready("DEALER");
    std::size_t strikes = 0;
    for (std::size_t end = 0; end < text.size(); end += 9) {
      wire_peer bad = co_await wire_peer::connect(endpoint);
      co_await bad.send(std::string_view(text).substr(0, end));
      bad.reset();
      co_await log.wait_for(handshake_failed, ++strikes);
      const error why = log.reason_of(handshake_failed);
      // A local socket that has nothing unread knows no reset: it ends.
      EXPECT_TRUE(why == std::errc::connection_reset || why == std::errc::broken_pipe ||
                  why == errc::end_of_stream)
          << why.message();
      EXPECT_STRNE(why.operation(), "");
      co_await expect_served(good, ours);
    }
    EXPECT_EQ(ours.connected(), 1u);
    co_await close(ours);
  });
}

/// Commands that are no handshake, as many as it is let send: the first is one too many.
TEST_P(hostile_handshake_test, endless_commands_instead_of_a_handshake_are_cut_at_the_first) {
  run([&]() -> task<> {
    router ours(logged());
    const std::string endpoint = bind_to(ours, anywhere());
    wire_peer good = co_await join(endpoint, "DEALER", "good");
    wire_peer bad = co_await wire_peer::connect(endpoint);
    co_await bad.send(wire_greeting());
    std::string pings;
    for (int i = 0; i < 1000; ++i) pings += wire_command("PING", std::string(2, '\0'));
    bool goes_on = true;
    while (goes_on) {
      const std::size_t sent = co_await bad.try_send(pings);
      goes_on = sent == pings.size();
    }
    co_await log.wait_for(handshake_failed);
    EXPECT_EQ(log.reason_of(handshake_failed), errc::protocol);
    co_await expect_served(good, ours);
    co_await close(ours);
  });
}

/// The one that we connect to may be the hostile one.
TEST_P(hostile_handshake_test, a_server_that_never_greets_is_left_and_tried_again) {
  run([&]() -> task<> {
    const listening_socket listener = listen_on(over());
    socket_options options = logged();
    options.handshake_interval = 20ms;
    dealer ours(options);
    connect_to(ours, endpoint_of(listener));
    co_await send(ours, "kept for a better one");
    for (std::size_t attempt = 1; attempt <= 3; ++attempt) {
      wire_peer silent = co_await wire_peer::accept(listener);
      const std::string said = co_await silent.read_to_end();
      EXPECT_EQ(said, wire_signature) << "nothing more than a signature without an answer";
      co_await log.wait_for(handshake_failed, attempt);
      EXPECT_TRUE(log.reason_of(handshake_failed).is_timeout());
    }
    wire_peer good = co_await wire_peer::accept(listener);
    co_await good.shake_hands("ROUTER");
    const parts got = co_await good.read_message();
    EXPECT_EQ(got, parts{"kept for a better one"});
    co_await close(ours);
  });
}

/// After the handshake a peer may take its time. With more of them than the pool has slots, and each byte
/// arriving alone, none may keep another from being heard.
TEST_P(hostile_handshake_test, dribbled_messages_of_more_peers_than_slots_disturb_nobody) {
  loop_options small = options();
  small.buffers.budget_bytes = std::size_t{2} << 20;
  reopen(small);
  run([&]() -> task<> {
    router ours(logged());
    const std::string endpoint = bind_to(ours, anywhere());
    wire_peer good = co_await join(endpoint, "DEALER", "good");
    std::vector<wire_peer> slow;
    for (int i = 0; i < 100; ++i) slow.push_back(co_await join(endpoint));
    const std::string text = wire_frame(std::string(20, 'd'));
    for (std::size_t at = 0; at + 1 < text.size(); ++at) {
      for (wire_peer& each : slow) co_await each.send(std::string_view(text).substr(at, 1));
      co_await expect_served(good, ours);
    }
    for (wire_peer& each : slow) co_await each.send(std::string_view(text).substr(text.size() - 1));
    for (std::size_t i = 0; i < slow.size(); ++i) {
      const parts got = co_await receive(ours);
      EXPECT_EQ(got.back(), std::string(20, 'd'));
    }
    EXPECT_EQ(log.count(disconnected), 0u);
    co_await close(ours);
  });
}

INSTANTIATE_TEST_SUITE_P(backends, hostile_handshake_test, over_each_transport(), name_of_transport);

} // namespace
} // namespace weir::zmtp
