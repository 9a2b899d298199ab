// A proxy between sockets that all live on one loop: what passes, what waits, and how it ends.
#include <weir/async/when_any.hpp>
#include <weir/zmtp/proxy.hpp>
#include <weir/zmtp/proxy_memory.hpp>

#include <gtest/gtest.h>
#include <support/zmtp_peers.hpp>

#include <string>
#include <utility>

namespace weir::zmtp {
namespace {

using namespace test;

proxy_options quick_proxy(std::size_t hwm = 1000) {
  proxy_options options;
  options.frontend = quick();
  options.backend = quick();
  for (socket_options* each : {&options.frontend, &options.backend}) {
    each->send_hwm = each->receive_hwm = hwm;
    each->linger.reset(); // what is on its way arrives
  }
  return options;
}

class proxy_test : public transport_test {
 protected:
  std::string_view anywhere() const { return over() == weir::test::transport::tcp ? any_tcp : any_ipc; }

  /// Runs `body` beside the forwarding of a proxy, and closes it.
  template <class Body>
  void run_with(proxy_options options, Body body) {
    run([&]() -> task<> {
      proxy between(std::move(options));
      front = bind_to(between.frontend(), anywhere());
      back = bind_to(between.backend(), anywhere());
      auto outcome = co_await when_any(between.forward(), body(between));
      EXPECT_EQ(outcome.first, 1u) << "it forwards until it is cancelled";
      result<> closed = co_await between.close();
      EXPECT_TRUE(closed);
    });
  }

  /// Sends back one request, its text changed.
  static task<> answer_one(dealer& worker) {
    parts request = co_await receive(worker);
    request.back() += " is answered";
    co_await send(worker, std::move(request));
  }

  /// Ends when nobody listens there any more.
  static task<> refused(std::string endpoint) {
    result<stream> nobody = co_await stream::connect(address_of(endpoint));
    while (nobody) nobody = co_await stream::connect(address_of(endpoint));
  }

  std::string front, back;
};

TEST_P(proxy_test, brings_each_reply_to_the_client_that_asked) {
  run_with(quick_proxy(), [&](proxy& between) -> task<> {
    dealer worker(quick()), one(quick("one")), other(quick());
    connect_to(worker, back);
    connect_to(one, front);
    connect_to(other, front);
    co_await send(one, "", "first"); // with the delimiter that REQ sends
    co_await answer_one(worker);
    co_await send(other, "second");
    co_await answer_one(worker);
    parts got = co_await receive(other);
    EXPECT_EQ(got, parts{"second is answered"});
    got = co_await receive(one);
    EXPECT_EQ(got, (parts{"", "first is answered"}));
    EXPECT_EQ(between.requests().messages, 2u);
    EXPECT_EQ(between.replies().messages, 2u);
    EXPECT_EQ(between.requests().bytes, std::string_view("onefirst").size() + 5 + 6) << "ids included";
    for (dealer* each : {&worker, &one, &other}) co_await close(*each);
  });
}

TEST_P(proxy_test, gives_requests_to_workers_in_turn) {
  run_with(quick_proxy(), [&](proxy& between) -> task<> {
    dealer first(quick()), second(quick()), client(quick("client"));
    connect_to(first, back);
    connect_to(second, back);
    connect_to(client, front);
    result<> connected = co_await between.backend().wait_connected(2);
    EXPECT_TRUE(connected);
    for (int i = 0; i < 4; ++i) co_await send(client, std::to_string(i));
    parts of_first, of_second;
    for (int i = 0; i < 2; ++i) {
      const parts one = co_await receive(first), other = co_await receive(second);
      of_first.push_back(one.back());
      of_second.push_back(other.back());
    }
    if (of_first.front() != "0") std::swap(of_first, of_second);
    EXPECT_EQ(of_first, (parts{"0", "2"}));
    EXPECT_EQ(of_second, (parts{"1", "3"}));
    for (dealer* each : {&first, &second, &client}) co_await close(*each);
  });
}

TEST_P(proxy_test, without_workers_stops_its_clients_and_loses_nothing) {
  run_with(quick_proxy(4), [&](proxy& between) -> task<> {
    socket_options options = quick("client");
    options.send_hwm = 4;
    dealer client(options);
    connect_to(client, front);
    const std::string body(30'000, 'b');
    int sent = 0;
    const auto flood = [&]() -> task<> {
      result<> outcome;
      while (outcome) {
        message next({std::to_string(sent), body});
        outcome = co_await client.send(next);
        if (outcome) ++sent;
      }
    };
    const auto stopped = [&]() -> task<> { // when so many turns pass in which none is taken
      for (int before = -1; before != sent;) {
        before = sent;
        co_await turns(200);
      }
    };
    co_await when_any(flood(), stopped());
    EXPECT_LT(between.frontend().counters().messages_received, 4u) << "they wait where they cost least";
    EXPECT_LE(on().buffers().bytes_in_use(), proxy_memory(on()).client_bytes_max());

    dealer worker(quick());
    connect_to(worker, back);
    for (int i = 0; i < sent; ++i) {
      const parts got = co_await receive(worker);
      EXPECT_EQ(got.at(1), std::to_string(i));
    }
    co_await close(worker);
    co_await close(client);
  });
}

TEST_P(proxy_test, lets_in_as_many_clients_as_its_memory_allows) {
  proxy_options options = quick_proxy();
  options.frontend.connections_max = 1;
  run_with(std::move(options), [&](proxy& between) -> task<> {
    const proxy_memory memory(on());
    EXPECT_EQ(between.frontend().options().connections_max, 1u) << "fewer than fit are as many as are wanted";
    EXPECT_LE(*between.frontend().options().stream.credit_bytes, memory.slot_bytes());
    const proxy unlimited;
    EXPECT_EQ(unlimited.frontend().options().connections_max,
              std::min(socket_options().connections_max, memory.clients_max()));

    dealer first(quick("first")), second(quick("second")), worker(quick());
    connect_to(worker, back);
    connect_to(first, front);
    result<> connected = co_await between.frontend().wait_connected(1);
    EXPECT_TRUE(connected);
    connect_to(second, front);
    co_await send(second, "waits");
    co_await turns(20);
    EXPECT_EQ(between.frontend().connected(), 1u);
    co_await close(first);
    const parts got = co_await receive(worker);
    EXPECT_EQ(got, (parts{"second", "waits"}));
    co_await close(second);
    co_await close(worker);
  });
}

TEST_P(proxy_test, drops_and_counts_the_reply_to_a_client_that_has_gone) {
  run_with(quick_proxy(), [&](proxy& between) -> task<> {
    dealer worker(quick());
    connect_to(worker, back);
    {
      wire_peer client = co_await join(front, "DEALER", "client");
      co_await client.send(wire_frame("and away"));
      co_await until([&] { return between.requests().messages == 1; });
    }
    co_await until([&] { return between.frontend().connected() == 0; });
    co_await answer_one(worker);
    co_await until([&] { return between.replies().messages == 1; });
    EXPECT_EQ(between.frontend().counters().messages_dropped, 1u);
    co_await close(worker);
  });
}

TEST_P(proxy_test, that_stops_accepting_serves_those_who_are_there_until_it_has_settled) {
  run_with(quick_proxy(), [&](proxy& between) -> task<> {
    dealer worker(quick()), client(quick("client"));
    connect_to(worker, back);
    connect_to(client, front);
    co_await send(client, "question");
    co_await until([&] { return between.requests().messages == 1; });
    between.stop_accepting();
    const auto settle = [&]() -> task<result<>> { co_return co_await between.settled(); };
    const auto answer = [&]() -> task<> {
      co_await refused(front);
      co_await refused(back);
      EXPECT_EQ(between.replies().messages, 0u) << "it was not settled while a reply was owed";
      co_await answer_one(worker);
    };
    auto [settled, answered] = co_await when_all(settle(), answer());
    EXPECT_TRUE(settled);
    EXPECT_EQ(between.replies().messages, 1u);
    const parts got = co_await receive(client);
    EXPECT_EQ(got, parts{"question is answered"});
    co_await close(client);
    co_await close(worker);
  });
}

TEST_P(proxy_test, counts_what_it_leaves_behind) {
  run([&]() -> task<> {
    proxy between(quick_proxy());
    dealer client(quick("client"));
    connect_to(client, bind_to(between.frontend(), anywhere()));
    for (int i = 0; i < 5; ++i) co_await send(client, "nobody works");
    const auto forward_for_a_while = [&]() -> task<> { co_await turns(50); };
    co_await when_any(between.forward(), forward_for_a_while());
    EXPECT_EQ(between.requests().messages, 0u);
    co_await until([&] { return between.take_left_behind() == 5; }); // however long they take to come
    co_await close(client);
    result<> closed = co_await between.close();
    EXPECT_TRUE(closed);
  });
}

INSTANTIATE_TEST_SUITE_P(backends, proxy_test, over_each_transport(), name_of_transport);

TEST(proxy_memory, clients_together_leave_room_for_replies) {
  for (const std::uint64_t bytes :
       {proxy_memory::bytes_min, std::uint64_t{64} << 20, std::uint64_t{1} << 40}) {
    const proxy_memory shares(bytes);
    const std::uint64_t left_bytes = bytes - shares.clients_max() * shares.client_bytes_max();
    EXPECT_GE(left_bytes, bytes / 8);
    EXPECT_GE(left_bytes, shares.slot_bytes() * shares.burst_slots());
  }
}

TEST(proxy_memory, is_the_same_for_the_loop_that_it_asks_for) {
  const proxy_memory wanted(std::uint64_t{16} << 20);
  const auto made = loop::create(wanted.options_of_loop());
  ASSERT_TRUE(made);
  const proxy_memory found(**made);
  EXPECT_EQ(found.total_bytes(), wanted.total_bytes());
  EXPECT_EQ(found.client_bytes_max(), wanted.client_bytes_max());
  EXPECT_EQ(found.clients_max(), wanted.clients_max());
}

} // namespace
} // namespace weir::zmtp
