// Peers that fall silent are dropped; those that live, however quietly, are not.
#include <weir/async/sleep.hpp>

#include <gtest/gtest.h>
#include <support/manual_clock.hpp>
#include <support/zmtp_peers.hpp>

#include <string>
#include <thread>

namespace weir::zmtp {
namespace {

using namespace test;
using enum socket_event_kind;
using std::chrono::milliseconds;

class heartbeat_test : public backend_test {
 protected:
  socket_options beating(milliseconds interval, milliseconds timeout = milliseconds(0)) {
    socket_options options = quick();
    options.heartbeat_interval = interval;
    options.heartbeat_timeout = timeout;
    log.listen_to(options);
    return options;
  }
  event_log log;
};

TEST_P(heartbeat_test, is_a_ping_with_the_time_to_live_in_tenths_of_a_second) {
  run([&]() -> task<> {
    socket_options options = beating(milliseconds(5), milliseconds(60'000));
    options.heartbeat_ttl = milliseconds(1234);
    router ours(options);
    wire_peer theirs = co_await join(bind_to(ours, any_tcp));
    const std::string ping = co_await theirs.read(9);
    EXPECT_EQ(ping, std::string("\4\7\4PING\0\x0c", 9));
    co_await close(ours);
  });
}

/// As libzmq's test_heartbeats: a peer of 3.0 that says READY and nothing more.
TEST_P(heartbeat_test, unanswered_ends_the_connection) {
  run([&]() -> task<> {
    router ours(beating(milliseconds(10)));
    const std::string endpoint = bind_to(ours, any_tcp);
    wire_peer silent = co_await wire_peer::connect(endpoint);
    co_await silent.shake_hands("DEALER", "", 0);
    co_await log.wait_for(disconnected);
    EXPECT_TRUE(log.reason_of(disconnected).is_timeout());
    const std::string pings = co_await silent.read_to_end();
    EXPECT_TRUE(pings.starts_with(wire_command("PING", std::string(2, '\0')))) << "it was not even asked";
    co_await close(ours);
  });
}

/// Time passes as the test says, so that an answer is on time though the machine is late.
class heartbeat_on_time_test : public heartbeat_test {
 protected:
  void SetUp() override { open(GetParam(), GetParam().options(), clock.backends()); }

  /// Lets time pass until the next PING is sent; no more while that is on its way.
  task<wire_peer::wire_part> next_ping(wire_peer& at) {
    const std::uint64_t sent_before = on().counters().bytes_sent;
    co_await until([&] {
      if (on().counters().bytes_sent == sent_before) clock.advance(100us);
      return unread_bytes(at.number()) > 0;
    });
    co_return co_await at.read_part();
  }
  /// Says it, and waits until the other side has heard it.
  task<> say(wire_peer& from, std::string text) {
    const std::uint64_t heard = on().counters().bytes_received + text.size();
    co_await from.send(text);
    co_await until([&] { return on().counters().bytes_received >= heard; });
    co_await turns(2);
  }
  /// All timers that are due then run.
  task<> pass(milliseconds time) {
    clock.advance(time);
    co_await turns(2);
  }

  manual_clock clock;
};

/// The timeout is as long as the interval unless said otherwise: answers that come on time must be enough.
TEST_P(heartbeat_on_time_test, answered_keeps_an_idle_connection) {
  run([&]() -> task<> {
    router ours(beating(milliseconds(10)));
    wire_peer lives = co_await join(bind_to(ours, any_tcp));
    for (int i = 0; i < 30; ++i) {
      const wire_peer::wire_part ping = co_await next_ping(lives);
      EXPECT_EQ(ping.flags, 4) << "dropped after " << i << " answers";
      co_await pass(milliseconds(8));
      co_await say(lives, wire_command("PONG"));
    }
    EXPECT_EQ(log.count(disconnected), 0u);
    co_await close(ours);
  });
}

TEST_P(heartbeat_on_time_test, any_traffic_is_an_answer) {
  run([&]() -> task<> {
    router ours(beating(milliseconds(10)));
    wire_peer lives = co_await join(bind_to(ours, any_tcp));
    for (int i = 0; i < 20; ++i) {
      const wire_peer::wire_part ping = co_await next_ping(lives);
      EXPECT_EQ(ping.flags, 4);
      co_await pass(milliseconds(8));
      co_await say(lives, wire_frame("busy"));
      co_await receive(ours);
    }
    EXPECT_EQ(log.count(disconnected), 0u);
    co_await close(ours);
  });
}

/// The other half of the truth: a little later is too late.
TEST_P(heartbeat_on_time_test, an_answer_that_is_late_is_none) {
  run([&]() -> task<> {
    router ours(beating(milliseconds(10)));
    wire_peer slow = co_await join(bind_to(ours, any_tcp));
    co_await next_ping(slow);
    co_await pass(milliseconds(9));
    EXPECT_EQ(log.count(disconnected), 0u);
    clock.advance(milliseconds(3));
    co_await log.wait_for(disconnected);
    EXPECT_TRUE(log.reason_of(disconnected).is_timeout());
    co_await close(ours);
  });
}

/// A body that takes longer than the timeout is traffic all the time.
TEST_P(heartbeat_test, a_large_message_on_a_slow_line_is_traffic) {
  const std::string large = pattern(4'000'000);
  run([&]() -> task<> {
    router ours(beating(milliseconds(20), milliseconds(60)));
    wire_peer slow = co_await join(bind_to(ours, any_tcp));
    const std::string text = wire_frame(large);
    const auto send_slowly = [&]() -> task<> {
      for (std::size_t at = 0; at < text.size(); at += 400'000) {
        co_await slow.send(std::string_view(text).substr(at, 400'000));
        result<> slept = co_await sleep_for(20ms);
        EXPECT_TRUE(slept);
      }
    };
    auto [sent, got] = co_await when_all(send_slowly(), receive(ours));
    EXPECT_TRUE(got.back() == large);
    EXPECT_EQ(log.count(disconnected), 0u);
    co_await close(ours);
  });
}

TEST_P(heartbeat_test, obeys_the_time_to_live_that_a_peer_names) {
  run([&]() -> task<> {
    socket_options options = quick();
    log.listen_to(options);
    router ours(options);
    wire_peer theirs = co_await join(bind_to(ours, any_tcp));
    co_await theirs.send(wire_command("PING", std::string("\0\1", 2)));
    const std::string pong = co_await theirs.read(7);
    EXPECT_EQ(pong, wire_command("PONG"));
    co_await log.wait_for(disconnected); // the one PING was the last sign of life
    EXPECT_TRUE(log.reason_of(disconnected).is_timeout());
    co_await close(ours);
  });
}

/// A long time to live of the peer's is no reason to wait longer for answers than we wanted.
TEST_P(heartbeat_test, a_peers_time_to_live_does_not_lengthen_our_patience) {
  run([&]() -> task<> {
    router ours(beating(milliseconds(10)));
    wire_peer silent = co_await join(bind_to(ours, any_tcp));
    co_await silent.send(wire_command("PING", big_endian(60'000, 2)));
    co_await log.wait_for(disconnected);
    EXPECT_TRUE(log.reason_of(disconnected).is_timeout());
    co_await close(ours);
  });
}

/// Its queue is so full that no PING has room.
TEST_P(heartbeat_on_time_test, a_peer_that_takes_nothing_of_a_full_queue_is_dropped) {
  run([&]() -> task<> {
    socket_options options = beating(milliseconds(10));
    options.stream.send_bytes = 10'000;
    router ours(options);
    wire_peer stuck = co_await join(bind_to(ours, any_tcp), "DEALER", "stuck");
    message large({"stuck", pattern(12'000'000)});
    const result<> sent = co_await ours.send(large);
    EXPECT_TRUE(sent);
    co_await turns(20);
    co_await pass(milliseconds(11));
    co_await stuck.read(1'000'000); // it takes some: it lives
    co_await pass(milliseconds(11));
    co_await pass(milliseconds(9));
    EXPECT_EQ(log.count(disconnected), 0u);
    for (int i = 0; i < 5; ++i) co_await pass(milliseconds(10));
    co_await log.wait_for(disconnected);
    EXPECT_TRUE(log.reason_of(disconnected).is_timeout());
    co_await close(ours);
  });
}

/// While the consumer is stalled it is us who do not read: the peer's answers may wait behind its messages.
TEST_P(heartbeat_test, does_not_blame_the_peer_for_a_stalled_consumer) {
  run([&]() -> task<> {
    socket_options options = beating(milliseconds(5));
    options.receive_hwm = 2;
    router ours(options);
    wire_peer theirs = co_await join(bind_to(ours, any_tcp));
    for (int i = 0; i < 5; ++i) co_await theirs.send(wire_frame("message " + std::to_string(i)));
    for (int i = 0; i < 10; ++i) co_await theirs.read_part(); // ten intervals pass
    EXPECT_EQ(log.count(disconnected), 0u);
    for (int i = 0; i < 5; ++i) {
      const parts got = co_await receive(ours);
      EXPECT_EQ(got.back(), "message " + std::to_string(i));
    }
    co_await close(ours);
  });
}

TEST_P(heartbeat_test, does_not_blame_the_peer_when_it_was_the_loop_that_stood_still) {
  run([&]() -> task<> {
    router ours(beating(milliseconds(10)));
    wire_peer theirs = co_await join(bind_to(ours, any_tcp));
    co_await theirs.read_part(); // a PING: the answer is due in 10 ms
    co_await theirs.send(wire_frame("here I am"));
    std::this_thread::sleep_for(milliseconds(50)); // the loop stands still
    const parts got = co_await receive(ours);
    EXPECT_EQ(got.back(), "here I am");
    EXPECT_EQ(log.count(disconnected), 0u);
    co_await close(ours);
  });
}

TEST_P(heartbeat_test, of_both_sides_get_along) {
  run([&]() -> task<> {
    router left(beating(milliseconds(5)));
    dealer right(beating(milliseconds(7)));
    connect_to(right, bind_to(left, any_tcp));
    co_await until([&] { return left.connected() == 1 && right.connected() == 1; });
    result<> slept = co_await sleep_for(150ms);
    EXPECT_TRUE(slept);
    EXPECT_EQ(log.count(disconnected), 0u);
    co_await close(right);
    co_await close(left);
  });
}

INSTANTIATE_TEST_SUITE_P(backends, heartbeat_test, on_each_backend(), name_of_backend);
INSTANTIATE_TEST_SUITE_P(backends, heartbeat_on_time_test, on_each_real_backend(), name_of_backend);

} // namespace
} // namespace weir::zmtp
