// The life of a socket and of its connections, over each transport: endpoints, connecting, reconnecting.
#include <weir/io/system_calls.hpp>

#include <gtest/gtest.h>
#include <support/zmtp_peers.hpp>

#include <algorithm>
#include <string>
#include <vector>

namespace weir::zmtp {
namespace {

using namespace test;
using enum socket_event_kind;

class sockets_test : public transport_test {
 protected:
  std::string_view anywhere() const { return over() == weir::test::transport::tcp ? any_tcp : any_ipc; }
  socket_options logged(std::string id = {}) {
    socket_options options = quick(std::move(id));
    log.listen_to(options);
    return options;
  }
  event_log log;
};

// --- endpoints ---

TEST_P(sockets_test, tells_where_it_is_bound) {
  run([&]() -> task<> {
    router ours(quick());
    const std::string first = bind_to(ours, anywhere()), second = bind_to(ours, anywhere());
    EXPECT_NE(first, second);
    EXPECT_TRUE(parse_endpoint(first)) << first;
    for (const std::string& endpoint : {first, second}) {
      wire_peer theirs = co_await join(endpoint);
      co_await theirs.send(wire_frame("hello"));
      const parts got = co_await receive(ours);
      EXPECT_EQ(got.back(), "hello");
    }
    co_await close(ours);
    result<stream> nobody = co_await stream::connect(address_of(first));
    EXPECT_FALSE(nobody) << "closing ends listening";
  });
}

TEST_P(sockets_test, that_are_closed_leave_their_endpoint_free) {
  run([&]() -> task<> {
    std::string endpoint(anywhere());
    for (int life = 0; life < 5; ++life) {
      router ours(quick());
      endpoint = bind_to(ours, endpoint);
      co_await close(ours);
    }
  });
}

TEST_P(sockets_test, refuses_endpoints_that_cannot_work) {
  run([&]() -> task<> {
    dealer ours(quick());
    for (const char* endpoint :
         {"", "tcp://", "tcp://127.0.0.1", "udp://127.0.0.1:1", "inproc://name", "tcp://a name:1"}) {
      EXPECT_FALSE(ours.bind(endpoint)) << endpoint;
      EXPECT_FALSE(ours.connect(endpoint)) << endpoint;
    }
    EXPECT_FALSE(ours.connect(anywhere())) << "a wildcard";
    const std::string taken = bind_to(ours, anywhere());
    dealer other(quick());
    result<std::string> refused = other.bind(taken);
    EXPECT_FALSE(refused);
    EXPECT_EQ(refused.error(), std::errc::address_in_use);
    co_await close(other);
    co_await close(ours);
  });
}

TEST_P(sockets_test, refuses_a_routing_id_that_no_peer_could_be_told) {
  run([&]() -> task<> {
    for (const std::string& id : {std::string(256, 'i'), std::string("\0id", 3)}) {
      dealer ours(quick(id));
      result<std::string> bound = ours.bind(anywhere());
      EXPECT_FALSE(bound);
      EXPECT_EQ(bound.error(), errc::invalid_argument);
      result<> connected = ours.connect("tcp://127.0.0.1:1");
      EXPECT_FALSE(connected);
      EXPECT_EQ(connected.error(), errc::invalid_argument);
      co_await close(ours);
    }
  });
}

TEST_P(sockets_test, connects_before_anybody_is_bound) {
  run([&]() -> task<> {
    router first(quick());
    const std::string endpoint = bind_to(first, anywhere());
    co_await close(first);

    dealer early(logged());
    connect_to(early, endpoint);
    co_await send(early, "early");
    co_await log.wait_for(connect_failed, 2);
    EXPECT_EQ(log.count(handshake_succeeded), 0u);
    router late(quick());
    bind_to(late, endpoint);
    const parts got = co_await receive(late);
    EXPECT_EQ(got.back(), "early");
    co_await close(early);
    co_await close(late);
  });
}

TEST_P(sockets_test, tells_of_its_connections_in_order) {
  run([&]() -> task<> {
    event_log of_server;
    socket_options server_options = quick();
    of_server.listen_to(server_options);
    router server(server_options);
    dealer client(logged());
    connect_to(client, bind_to(server, anywhere()));
    co_await send(client, "hello");
    co_await receive(server);
    co_await close(server);
    co_await log.wait_for(connect_failed);
    co_await close(client);

    const auto kinds_of = [](const event_log& from) {
      std::string names;
      for (const event_log::told& each : from.all) names += std::string(name_of(each.kind)) + ", ";
      return names;
    };
    EXPECT_EQ(kinds_of(of_server), "listening, accepted, handshake succeeded, disconnected, ");
    EXPECT_TRUE(kinds_of(log).starts_with("connected, handshake succeeded, disconnected, connect failed, "))
        << kinds_of(log);
    EXPECT_TRUE(log.reason_of(disconnected) == errc::end_of_stream) << log.reason_of(disconnected).message();
    EXPECT_TRUE(of_server.reason_of(disconnected).is_cancelled());
  });
}

// --- reconnecting ---

TEST_P(sockets_test, reconnects_and_keeps_its_queue) {
  run([&]() -> task<> {
    dealer client(quick("client"));
    std::string endpoint(anywhere());
    int sent = 0, received = 0;
    const auto send_next = [&]() -> task<> { co_await send(client, std::to_string(sent++)); };
    for (int life = 0; life < 4; ++life) {
      router server(quick());
      endpoint = bind_to(server, endpoint);
      if (life == 0) connect_to(client, endpoint);
      co_await send_next();
      while (received < sent) {
        const parts got = co_await receive(server);
        EXPECT_EQ(got, (parts{"client", std::to_string(received++)}));
      }
      co_await close(server);
      co_await until([&] { return client.connected() == 0; });
      co_await send_next(); // waits for the next life
    }
    co_await client.close();
  });
}

/// Passes bytes on in both directions, and breaks both connections when so many have passed.
task<> relay(raw_socket left, raw_socket right, std::size_t bytes_max) {
  std::size_t passed = 0;
  const auto pass = [&](raw_socket& from, raw_socket& to) -> task<> {
    while (passed < bytes_max) {
      std::string some = co_await from.read(1);
      if (some.empty()) break;
      some += read_available(from.number());
      passed += some.size();
      co_await to.try_send(some);
    }
    calls().shutdown(left.number(), SHUT_RDWR); // which ends the other direction as well
    calls().shutdown(right.number(), SHUT_RDWR);
  };
  co_await when_all(pass(left, right), pass(right, left));
}

/// A message of which a part was lost with a connection is not sent again, nor is its rest.
TEST_P(sockets_test, never_delivers_half_a_message_nor_one_twice_whenever_connections_break) {
  run([&]() -> task<> {
    dealer server(quick());
    const std::string endpoint = bind_to(server, anywhere());
    const listening_socket between = listen_on(over());
    socket_options options = quick();
    options.send_hwm = 10;
    dealer client(options);
    connect_to(client, endpoint_of(between));

    constexpr int all = 400;
    const std::string body = pattern(20'000);
    cancellation relaying;
    const auto send_all = [&]() -> task<> {
      for (int i = 0; i < all; ++i) co_await send(client, std::to_string(i), body, body);
    };
    // Those of an old connection and those of the next one come in turn, so there is no order between them.
    std::vector<bool> seen(all);
    const auto receive_all = [&]() -> task<> {
      while (!seen.back()) {
        const parts got = co_await receive(server);
        EXPECT_TRUE(got.size() == 3 && got[1] == body && got[2] == body);
        const auto number = static_cast<std::size_t>(std::stoi(got[0]));
        EXPECT_FALSE(seen[number]) << number << " came twice";
        seen[number] = true;
      }
      relaying.request();
    };
    const auto relay_again_and_again = [&]() -> task<> {
      std::size_t lives = 0;
      while (!relaying.is_requested()) {
        raw_socket left = co_await raw_socket::accept(between);
        if (relaying.is_requested()) break;
        raw_socket right = co_await raw_socket::connect(address_of(endpoint));
        ++lives;
        const std::size_t bytes_to_pass = lives < 10 ? 333'333 * lives : 1'000'000'000;
        co_await relay(std::move(left), std::move(right), bytes_to_pass);
      }
      EXPECT_GE(lives, 5u);
    };
    const auto relay_until_told = [&]() -> task<> { co_await relay_again_and_again().under(&relaying); };
    co_await when_all(send_all(), receive_all(), relay_until_told());
    EXPECT_GE(std::ranges::count(seen, true), all / 2);
    co_await client.close();
    co_await close(server);
  });
}

INSTANTIATE_TEST_SUITE_P(backends, sockets_test, over_each_transport(), name_of_transport);

} // namespace
} // namespace weir::zmtp
