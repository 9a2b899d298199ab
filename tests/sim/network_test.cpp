// Streams between hosts: what the network does to them.
#include "sim_rig.hpp"

#include <netinet/tcp.h>

#include <cerrno>

namespace weir::test {
namespace {

class network_test : public sim_rig {
 protected:
  /// The server accepts one connection and hears it to its end.
  void serve_one(heard& all, bool reads = true) {
    server().start([this, &all, reads](sim::host&) -> task<> {
      const descriptor door = listen_at(at_server());
      result<descriptor> connection = co_await async_accept(door.get());
      if (!connection) co_return;
      if (!reads) (void)co_await sleep_for(3600s);
      all = co_await hear_all(connection->get());
    });
  }
  /// The client sends `text`, and then does `last` to its socket.
  void send_one(std::string text, std::function<void(descriptor&)> last = {}) {
    client().start([this, text = std::move(text), last = std::move(last)](sim::host&) -> task<> {
      result<descriptor> connection = co_await connected_to(at_server());
      EXPECT_TRUE(connection);
      if (!connection) co_return;
      sent = co_await send_all(connection->get(), text);
      if (last) last(*connection);
    });
  }
  int connect_error(sim::socket_address at) {
    int told = 0;
    client().start([&told, at](sim::host&) -> task<> {
      result<descriptor> connection = co_await connected_to(at);
      if (!connection) told = connection.error().code().value();
    });
    EXPECT_TRUE(run());
    return told;
  }
  std::size_t sent = 0;
};

std::string numbers(std::size_t bytes) {
  std::string text;
  for (std::size_t number = 0; text.size() < bytes; ++number) text += std::to_string(number) + ",";
  text.resize(bytes);
  return text;
}

TEST_F(network_test, takes_its_latency_there_and_back) {
  in().net().set_default({30 * ms_ns, 30 * ms_ns});
  heard all;
  serve_one(all);
  send_one("hello");
  const std::uint64_t began_ns = in().now_ns();
  ASSERT_TRUE(run());
  EXPECT_EQ(all.text, "hello");
  const std::uint64_t took_ns = in().now_ns() - began_ns;
  EXPECT_GE(took_ns, 90 * ms_ns) << "a round trip to connect, and the way of the bytes";
  EXPECT_LE(took_ns, 91 * ms_ns);
}

TEST_F(network_test, carries_no_more_than_its_bandwidth) {
  in().net().set_default({ms_ns, ms_ns, 1'000'000});
  heard all;
  serve_one(all);
  const std::string text = numbers(500'000);
  send_one(text);
  const std::uint64_t began_ns = in().now_ns();
  ASSERT_TRUE(run());
  EXPECT_TRUE(all.text == text);
  EXPECT_GE(in().now_ns() - began_ns, 500 * ms_ns);
  EXPECT_LE(in().now_ns() - began_ns, 520 * ms_ns);
}

TEST_F(network_test, gives_back_pressure_when_nobody_reads) {
  heard all;
  serve_one(all, false);
  send_one(numbers(10'000'000));
  EXPECT_FALSE(run(60 * second_ns)) << "the sender waits";
  EXPECT_EQ(sent, 0u);
  end_programs();
}

TEST_F(network_test, moves_bytes_in_pieces_of_any_size_and_keeps_their_order) {
  in().faults().set(sim::fault::partial_send, 900'000);
  in().faults().set(sim::fault::partial_receive, 900'000);
  heard all;
  serve_one(all);
  const std::string text = numbers(300'000);
  send_one(text);
  ASSERT_TRUE(run());
  EXPECT_TRUE(all.text == text);
  EXPECT_GT(in().faults().count(sim::fault::partial_send), 0u);
  EXPECT_GT(in().faults().count(sim::fault::partial_receive), 0u);
}

TEST_F(network_test, resets_at_any_byte_behind_what_has_arrived) {
  std::size_t cut_short = 0;
  const std::string text = numbers(400'000);
  for (std::uint64_t seed = 1; seed <= 50; ++seed) {
    open(seed);
    in().net().set_default({ms_ns, 3 * ms_ns});
    in().faults().set(sim::fault::reset, 100'000);
    in().faults().set(sim::fault::partial_send, 500'000);
    heard all;
    serve_one(all);
    send_one(text);
    ASSERT_TRUE(run());
    EXPECT_TRUE(text.starts_with(all.text)) << "seed " << seed;
    if (all.error != 0) {
      EXPECT_EQ(all.error, ECONNRESET);
      ++cut_short;
    }
  }
  EXPECT_GT(cut_short, 10u);
}

TEST_F(network_test, ends_one_direction_and_carries_the_other) {
  std::string answer;
  server().start([&](sim::host&) -> task<> {
    const descriptor door = listen_at(at_server());
    result<descriptor> connection = co_await async_accept(door.get());
    if (!connection) co_return;
    const heard asked = co_await hear_all(connection->get());
    (void)co_await send_all(connection->get(), "heard: " + asked.text);
  });
  client().start([&](sim::host&) -> task<> {
    result<descriptor> connection = co_await connected_to(at_server());
    if (!connection) co_return;
    (void)co_await send_all(connection->get(), "question");
    (void)co_await async_shutdown(connection->get(), SHUT_WR);
    const heard all = co_await hear_all(connection->get());
    answer = all.text;
    EXPECT_EQ(all.error, 0);
  });
  ASSERT_TRUE(run());
  EXPECT_EQ(answer, "heard: question");
}

TEST_F(network_test, a_linger_time_of_zero_resets) {
  heard all;
  serve_one(all);
  send_one("last words", [](descriptor& connection) {
    const linger at_once{1, 0};
    EXPECT_EQ(calls().setsockopt(connection.get(), SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once), 0);
  });
  ASSERT_TRUE(run());
  EXPECT_EQ(all.error, ECONNRESET);
}

TEST_F(network_test, refuses_where_nobody_listens) {
  const std::uint64_t began_ns = in().now_ns();
  EXPECT_EQ(connect_error(at_server()), ECONNREFUSED);
  EXPECT_GE(in().now_ns() - began_ns, 2 * ms_ns) << "a round trip";
}

TEST_F(network_test, knows_no_way_to_addresses_that_nobody_has) {
  EXPECT_EQ(connect_error(sim::socket_address::of_host(AF_INET, 77, 80)), ENETUNREACH);
}

TEST_F(network_test, a_full_backlog_leaves_requests_without_an_answer_until_they_time_out) {
  server().start([this](sim::host&) -> task<> {
    const descriptor door = listen_at(at_server(), 1);
    (void)co_await sleep_for(1000s);
  });
  int connected = 0, timed_out = 0;
  for (int count = 0; count < 4; ++count)
    client().start([&](sim::host&) -> task<> {
      result<descriptor> connection = co_await connected_to(at_server());
      if (connection) ++connected;
      if (!connection && connection.error() == std::errc::timed_out) ++timed_out;
      (void)co_await sleep_for(1000s);
    });
  ASSERT_TRUE(run());
  EXPECT_EQ(connected, 2);
  EXPECT_EQ(timed_out, 2);
}

TEST_F(network_test, parted_hosts_hear_each_other_again_when_they_are_healed) {
  heard all;
  serve_one(all);
  const std::string text = numbers(100'000);
  send_one(text);
  in().run_until([] { return false; }, in().now_ns() + 3 * ms_ns);
  in().net().part_for(server(), client(), 20 * second_ns);
  const std::uint64_t began_ns = in().now_ns();
  ASSERT_TRUE(run());
  EXPECT_TRUE(all.text == text);
  EXPECT_EQ(all.error, 0);
  EXPECT_GE(in().now_ns() - began_ns, 20 * second_ns);
  EXPECT_LE(in().now_ns() - began_ns, 60 * second_ns) << "tried again in time";
}

TEST_F(network_test, in_a_black_hole_senders_give_up_after_a_quarter_of_an_hour) {
  in().faults().set(sim::fault::black_hole, 1'000'000);
  heard all;
  serve_one(all);
  int told = 0;
  client().start([&](sim::host&) -> task<> {
    result<descriptor> connection = co_await connected_to(at_server());
    if (!connection) co_return;
    (void)co_await send_all(connection->get(), "anybody?");
    const heard answer = co_await hear_all(connection->get());
    told = answer.error;
  });
  const std::uint64_t began_ns = in().now_ns();
  EXPECT_FALSE(run(1200 * second_ns)) << "who only reads is told nothing";
  EXPECT_EQ(told, ETIMEDOUT);
  EXPECT_EQ(all.text, "");
  EXPECT_GE(in().now_ns() - began_ns, 900 * second_ns);
  end_programs();
}

TEST_F(network_test, a_peer_that_is_gone_answers_with_a_reset) {
  server().start([this](sim::host&) -> task<> {
    const descriptor door = listen_at(at_server());
    (void)co_await async_accept(door.get()); // and closed at once
  });
  int told = 0;
  client().start([&](sim::host&) -> task<> {
    result<descriptor> connection = co_await connected_to(at_server());
    if (!connection) co_return;
    while (told == 0) {
      result<std::size_t> sent_now =
          co_await async_send(connection->get(), std::as_bytes(std::span(std::string_view("x"))));
      if (!sent_now) told = sent_now.error().code().value();
      (void)co_await sleep_for(1ms);
    }
  });
  ASSERT_TRUE(run());
  EXPECT_EQ(told, EPIPE);
}

TEST_F(network_test, names_both_ends) {
  sim::socket_address seen, own;
  server().start([&](sim::host&) -> task<> {
    const descriptor door = listen_at(sim::socket_address::any(AF_INET, rig_port));
    result<descriptor> connection = co_await async_accept(door.get());
    if (!connection) co_return;
    sockaddr_storage raw;
    socklen_t bytes = sizeof raw;
    EXPECT_EQ(calls().getpeername(connection->get(), reinterpret_cast<sockaddr*>(&raw), &bytes), 0);
    seen = sim::socket_address(reinterpret_cast<sockaddr*>(&raw), bytes);
  });
  client().start([&](sim::host&) -> task<> {
    result<descriptor> connection = co_await connected_to(at_server());
    if (!connection) co_return;
    sockaddr_storage raw;
    socklen_t bytes = sizeof raw;
    EXPECT_EQ(calls().getsockname(connection->get(), reinterpret_cast<sockaddr*>(&raw), &bytes), 0);
    own = sim::socket_address(reinterpret_cast<sockaddr*>(&raw), bytes);
  });
  ASSERT_TRUE(run());
  EXPECT_EQ(seen.host_number(), client().number());
  EXPECT_EQ(seen.port(), own.port());
  EXPECT_NE(own.port(), 0);
}

} // namespace
} // namespace weir::test
