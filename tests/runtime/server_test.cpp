// Servers over several loops: every client is served on some loop, as evenly as the placement promises; ends
// that lose nobody.
#include "group_of_test.hpp"
#include "served_clients.hpp"

#include <weir/async/event.hpp>
#include <weir/async/sleep.hpp>
#include <weir/runtime/server.hpp>

#include <algorithm>
#include <array>
#include <atomic>
#include <future>
#include <stdexcept>
#include <thread>

namespace weir::test {
namespace {

class server_test : public group_test {
 protected:
  /// Runs it on loop 0 from a thread of its own; gives the address.
  address begin(server_options options, server::handler serve) {
    auto listening = std::make_shared<std::promise<address>>();
    options.on_listening = [listening](const address& at) { listening->set_value(at); };
    std::future<address> known = listening->get_future();
    served_ = std::make_unique<server>(*group_, *address::ip("127.0.0.1", 0), options, std::move(serve));
    runner_ = std::thread([this] {
      const auto run = [this] { return served_->run(); };
      outcome_ = group_->call(0, run);
    });
    return known.get();
  }
  result<> ended() {
    runner_.join();
    return outcome_;
  }
  loop_group& start_loops(unsigned count) {
    group_ = &start(count);
    return *group_;
  }
  server& served() { return *served_; }
  std::vector<std::size_t> loads() const {
    std::vector<std::size_t> each;
    for (unsigned i = 0; i < group_->size(); ++i) each.push_back(served_->connections(i));
    return each;
  }

 private:
  loop_group* group_ = nullptr;
  std::unique_ptr<server> served_;
  std::thread runner_;
  result<> outcome_;
};

constexpr std::array all_placements{placement::reuse_port, placement::round_robin, placement::least_loaded};

TEST(placement_test, is_chosen_by_name) {
  for (const placement each : all_placements) EXPECT_EQ(parse_placement(name_of(each)), each);
  EXPECT_EQ(parse_placement("random").error(), errc::invalid_argument);
}

TEST_P(server_test, serves_everybody_and_spreads_them_as_its_placement_says) {
  constexpr std::size_t clients = 150;
  for (const placement each : all_placements) {
    start_loops(3);
    const address at = begin(server_options(each), echo_to);
    std::vector<descriptor> sockets;
    for (std::size_t i = 0; i < clients; ++i) {
      sockets.push_back(connect_blocking(at));
      ASSERT_EQ(asked(sockets.back(), "hello"), "hello");
    }
    const std::vector<std::size_t> spread = loads();
    const auto [least, most] = std::ranges::minmax(spread);
    EXPECT_EQ(spread[0] + spread[1] + spread[2], clients);
    if (each == placement::reuse_port)
      EXPECT_GT(least, clients / 9) << "six standard deviations below a third";
    else
      EXPECT_LE(most - least, 1u) << name_of(each);
    for (const descriptor& socket : sockets) EXPECT_EQ(asked(socket, "again"), "again");
    sockets.clear();
    served().stop_accepting();
    EXPECT_TRUE(ended());
    EXPECT_EQ(served().accepted(0) + served().accepted(1) + served().accepted(2), clients);
    end_group();
  }
}

TEST_P(server_test, least_loaded_fills_up_where_connections_have_ended) {
  start_loops(2);
  const address at = begin(server_options(placement::least_loaded), echo_to);
  std::vector<descriptor> sockets;
  for (int i = 0; i < 20; ++i) {
    sockets.push_back(connect_blocking(at));
    ASSERT_EQ(asked(sockets.back(), "x"), "x");
  }
  for (std::size_t i = 0; i < sockets.size(); i += 2) sockets[i].reset(); // all of one loop
  while (loads()[0] + loads()[1] != 10) std::this_thread::yield();
  for (int i = 0; i < 10; ++i) {
    sockets.push_back(connect_blocking(at));
    ASSERT_EQ(asked(sockets.back(), "x"), "x");
  }
  EXPECT_EQ(loads(), (std::vector<std::size_t>{10, 10}));
  sockets.clear();
  served().stop_accepting();
  EXPECT_TRUE(ended());
}

TEST_P(server_test, after_stop_accepting_those_who_are_served_go_on_and_nobody_is_added) {
  for (const placement each : all_placements) {
    start_loops(2);
    const address at = begin(server_options(each), echo_to);
    const descriptor served_one = connect_blocking(at);
    EXPECT_EQ(asked(served_one, "1"), "1");
    served().stop_accepting();
    const auto is_refused = [&] {
      const descriptor late(::socket(AF_INET, SOCK_STREAM, 0));
      return ::connect(late.get(), at.raw(), at.raw_bytes()) != 0 && errno == ECONNREFUSED;
    };
    while (!is_refused()) std::this_thread::yield();
    EXPECT_EQ(asked(served_one, "still"), "still");
    ::shutdown(served_one.get(), SHUT_WR);
    EXPECT_TRUE(ended());
    end_group();
  }
}

TEST_P(server_test, a_stop_of_the_group_cancels_connections_and_waits_for_them) {
  for (const placement each : all_placements) {
    loop_group& group = start_loops(2);
    std::atomic<int> cleaned_up{0};
    const auto serve = [&](stream client) -> task<result<>> {
      result<> outcome = co_await echo_to(std::move(client));
      ++cleaned_up;
      co_return outcome;
    };
    const address at = begin(server_options(each), serve);
    std::vector<descriptor> sockets;
    for (int i = 0; i < 10; ++i) {
      sockets.push_back(connect_blocking(at));
      EXPECT_EQ(asked(sockets.back(), "x"), "x");
    }
    EXPECT_TRUE(group.stop(30s));
    EXPECT_EQ(cleaned_up, 10);
    EXPECT_TRUE(ended().error().is_cancelled());
    end_group();
  }
}

TEST_P(server_test, a_connection_that_fails_ends_alone_and_is_told) {
  start_loops(2);
  std::atomic<int> told{0};
  server_options options(placement::round_robin);
  options.on_failure = [&](const failure& why) {
    EXPECT_TRUE(why.is_exception());
    ++told;
  };
  const auto serve = [](stream client) -> task<result<>> {
    result<lease> first = co_await client.read();
    if (first && *first->data() == std::byte{'!'}) throw std::runtime_error("broken");
    result<lease> next = co_await client.read();
    co_return next ? result<>() : result<>(fail(next.error()));
  };
  const address at = begin(options, serve);
  const descriptor good = connect_blocking(at);
  EXPECT_EQ(::send(good.get(), "x", 1, MSG_NOSIGNAL), 1);
  const descriptor bad = connect_blocking(at);
  EXPECT_EQ(asked(bad, "!"), "");
  EXPECT_EQ(told, 1);
  EXPECT_EQ(loads()[0] + loads()[1], 1u);
  served().stop_accepting();
  ::shutdown(good.get(), SHUT_WR);
  EXPECT_TRUE(ended());
}

TEST_P(server_test, says_that_its_address_is_taken_and_leaves_no_socket) {
  loop_group& group = start_loops(2);
  const listening_socket taken = listen_on(transport::tcp);
  const address at(taken.to(), taken.address_bytes);
  for (const placement each : all_placements) {
    server second(group, at, server_options(each), echo_to);
    const auto run = [&] { return second.run(); };
    EXPECT_EQ(group.call(1, run).error(), std::errc::address_in_use);
  }
}

TEST_P(server_test, keeps_the_limit_of_connections_whatever_the_placement) {
  for (const placement each : all_placements) {
    start_loops(2);
    server_options options(each);
    options.gate.connections_max = 4;
    const address at = begin(options, echo_to);
    std::vector<descriptor> sockets;
    for (int i = 0; i < 12; ++i) sockets.push_back(connect_blocking(at));
    for (const descriptor& each_socket : sockets) ::send(each_socket.get(), "x", 1, MSG_NOSIGNAL);
    std::size_t answered = 0;
    while (answered < sockets.size()) { // those who were served go, others come
      EXPECT_LE(loads()[0] + loads()[1], 4u);
      for (descriptor& socket : sockets) {
        char answer = 0;
        if (!socket || ::recv(socket.get(), &answer, 1, MSG_DONTWAIT) != 1) continue;
        ++answered;
        socket.reset();
      }
      std::this_thread::yield();
    }
    served().stop_accepting();
    EXPECT_TRUE(ended());
    end_group();
  }
}

INSTANTIATE_TEST_SUITE_P(backends, server_test, on_each_backend(), name_of_backend);

} // namespace
} // namespace weir::test
