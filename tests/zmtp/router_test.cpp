// ROUTER: messages go to the peer that their first frame names, and come with the name of the one they are
// from.
#include <gtest/gtest.h>
#include <support/zmtp_peers.hpp>

#include <set>
#include <string>

namespace weir::zmtp {
namespace {

using namespace test;
using enum socket_event_kind;

class router_test : public backend_test {
 protected:
  socket_options logged(std::string id = {}) {
    socket_options options = quick(std::move(id));
    log.listen_to(options);
    return options;
  }
  event_log log;
};

TEST_P(router_test, routes_by_the_first_frame_and_names_the_sender) {
  run([&]() -> task<> {
    router ours(quick());
    const std::string endpoint = bind_to(ours, any_tcp);
    dealer a(quick("a")), b(quick("b"));
    connect_to(a, endpoint);
    connect_to(b, endpoint);
    result<> both = co_await ours.wait_connected(2);
    EXPECT_TRUE(both);
    for (int round = 0; round < 3; ++round) {
      co_await send(ours, "b", "for b", "second part");
      co_await send(ours, "a", "for a");
      const parts at_a = co_await receive(a);
      EXPECT_EQ(at_a, parts{"for a"});
      const parts at_b = co_await receive(b);
      EXPECT_EQ(at_b, (parts{"for b", "second part"}));
    }
    co_await send(a, "from a", "");
    const parts got = co_await receive(ours);
    EXPECT_EQ(got, (parts{"a", "from a", ""}));
    EXPECT_EQ(ours.counters().messages_sent, 6u);
    EXPECT_EQ(ours.counters().messages_received, 1u);
    EXPECT_EQ(ours.counters().messages_dropped, 0u);
    for (socket* each : {static_cast<socket*>(&a), static_cast<socket*>(&b), static_cast<socket*>(&ours)})
      co_await close(*each);
  });
}

TEST_P(router_test, talks_to_routers) {
  run([&]() -> task<> {
    router left(quick("left")), right(quick("right"));
    connect_to(right, bind_to(left, any_tcp));
    co_await until([&] { return left.connected() == 1 && right.connected() == 1; });
    co_await send(right, "left", "hello");
    const parts got = co_await receive(left);
    EXPECT_EQ(got, (parts{"right", "hello"}));
    co_await send(left, got);
    const parts back = co_await receive(right);
    EXPECT_EQ(back, (parts{"left", "hello"}));
    co_await close(right);
    co_await close(left);
  });
}

TEST_P(router_test, makes_up_ids_of_five_bytes_for_peers_without_one) {
  run([&]() -> task<> {
    router ours(quick());
    const std::string endpoint = bind_to(ours, any_tcp);
    std::set<std::string> ids;
    std::vector<wire_peer> peers;
    for (int i = 0; i < 20; ++i) {
      peers.push_back(co_await join(endpoint));
      co_await peers.back().send(wire_frame(std::to_string(i)));
      parts got = co_await receive(ours);
      EXPECT_EQ(got[0].size(), 5u);
      EXPECT_EQ(got[0][0], '\0');
      ids.insert(got[0]);
      co_await send(ours, got[0], "answer to", got[1]);
      const parts answer = co_await peers.back().read_message();
      EXPECT_EQ(answer, (parts{"answer to", std::to_string(i)}));
    }
    EXPECT_EQ(ids.size(), 20u);
    co_await close(ours);
  });
}

TEST_P(router_test, drops_and_counts_what_is_for_nobody) {
  run([&]() -> task<> {
    router ours(quick());
    wire_peer peer = co_await join(bind_to(ours, any_tcp), "DEALER", "here");
    co_await send(ours, "nobody", "lost");
    co_await send(ours, "here"); // an envelope without a letter
    co_await send(ours);
    EXPECT_EQ(ours.counters().messages_dropped, 3u);
    EXPECT_EQ(ours.counters().messages_sent, 0u);
    co_await send(ours, "here", "");
    const parts got = co_await peer.read_message();
    EXPECT_EQ(got, parts{""});
    co_await close(ours);
  });
}

TEST_P(router_test, when_mandatory_gives_back_what_is_for_nobody) {
  run([&]() -> task<> {
    socket_options options = quick();
    options.mandatory = true;
    router ours(options);
    wire_peer peer = co_await join(bind_to(ours, any_tcp), "DEALER", "here");
    message lost({"nobody", "kept"});
    result<> sent = co_await ours.send(lost);
    EXPECT_FALSE(sent);
    EXPECT_EQ(sent.error(), errc::unroutable);
    EXPECT_EQ(parts_of(lost), (parts{"nobody", "kept"}));
    EXPECT_EQ(ours.counters().messages_dropped, 0u);
    co_await send(ours, "here", "found");
    const parts got = co_await peer.read_message();
    EXPECT_EQ(got, parts{"found"});

    peer.close();
    co_await until([&] { return ours.connected() == 0; });
    message late({"here", "too late"});
    sent = co_await ours.send(late);
    EXPECT_FALSE(sent);
    co_await close(ours);
  });
}

TEST_P(router_test, refuses_a_second_peer_with_an_id_in_use) {
  run([&]() -> task<> {
    router ours(logged());
    const std::string endpoint = bind_to(ours, any_tcp);
    wire_peer first = co_await join(endpoint, "DEALER", "same");
    wire_peer second = co_await join(endpoint, "DEALER", "same");
    const std::string nothing = co_await second.read_to_end();
    EXPECT_EQ(nothing, "");
    co_await log.wait_for(handshake_failed);
    EXPECT_EQ(log.reason_of(handshake_failed), errc::protocol);
    co_await send(ours, "same", "to the first");
    const parts got = co_await first.read_message();
    EXPECT_EQ(got, parts{"to the first"});

    first.close();
    co_await log.wait_for(disconnected);
    wire_peer third = co_await join(endpoint, "DEALER", "same");
    result<> connected = co_await ours.wait_connected(1);
    EXPECT_TRUE(connected) << "the id is free again";
    co_await send(ours, "same", "to the third");
    const parts again = co_await third.read_message();
    EXPECT_EQ(again, parts{"to the third"});
    co_await close(ours);
  });
}

TEST_P(router_test, with_handover_lets_the_second_peer_take_the_place_of_the_first) {
  run([&]() -> task<> {
    socket_options options = logged();
    options.handover = true;
    router ours(options);
    const std::string endpoint = bind_to(ours, any_tcp);
    wire_peer first = co_await join(endpoint, "DEALER", "same");
    co_await first.send(wire_frame("from the first"));
    co_await until([&] { return ours.connected() == 1; });
    wire_peer second = co_await join(endpoint, "DEALER", "same");
    const std::string nothing = co_await first.read_to_end();
    EXPECT_EQ(nothing, "");
    co_await log.wait_for(disconnected);
    EXPECT_EQ(ours.connected(), 1u);
    co_await send(ours, "same", "to the second");
    const parts got = co_await second.read_message();
    EXPECT_EQ(got, parts{"to the second"});
    const parts kept = co_await receive(ours);
    EXPECT_EQ(kept, (parts{"same", "from the first"})) << "what it had said is not lost";
    co_await close(ours);
  });
}

TEST_P(router_test, what_a_peer_sent_before_it_came_back_is_received_first) {
  run([&]() -> task<> {
    for (const bool takes_over : {false, true}) {
      socket_options options = logged();
      options.handover = takes_over;
      router ours(options);
      const std::string endpoint = bind_to(ours, any_tcp);
      std::optional<wire_peer> peer; // of three connections, none of whose messages is received meanwhile
      for (int connection = 0; connection < 3; ++connection) {
        if (!takes_over) peer.reset();
        co_await until([&] { return takes_over || ours.connected() == 0; });
        wire_peer next = co_await join(endpoint, "DEALER", "same");
        const auto frame_of = [&](int i) { return wire_frame(std::to_string(3 * connection + i)); };
        co_await next.send(frame_of(0) + frame_of(1) + frame_of(2));
        co_await turns(20);
        peer = std::move(next);
      }
      for (int i = 0; i < 9; ++i) {
        const parts got = co_await receive(ours);
        EXPECT_EQ(got, (parts{"same", std::to_string(i)})) << takes_over;
      }
      co_await close(ours);
    }
  });
}

TEST_P(router_test, gives_the_peer_of_the_next_connect_the_id_it_is_told) {
  run([&]() -> task<> {
    const listening_socket listener = listen_on_tcp();
    router ours(logged());
    ours.set_connect_routing_id("mine");
    connect_to(ours, endpoint_of(listener));
    co_await send(ours, "mine", "waits for the peer");
    for (int connection = 0; connection < 2; ++connection) {
      wire_peer theirs = co_await wire_peer::accept(listener);
      co_await theirs.shake_hands("DEALER", "whatever it says");
      if (connection == 0) {
        const parts got = co_await theirs.read_message();
        EXPECT_EQ(got, parts{"waits for the peer"});
      }
      co_await theirs.send(wire_frame("hello"));
      const parts got = co_await receive(ours);
      EXPECT_EQ(got, (parts{"mine", "hello"}));
    }
    co_await close(ours);
  });
}

TEST_P(router_test, refuses_to_give_an_id_that_is_in_use) {
  run([&]() -> task<> {
    const listening_socket listener = listen_on_tcp();
    router ours(quick());
    wire_peer first = co_await join(bind_to(ours, any_tcp), "DEALER", "same");
    co_await until([&] { return ours.connected() == 1; });
    ours.set_connect_routing_id("same");
    result<> refused = ours.connect(endpoint_of(listener));
    EXPECT_FALSE(refused);
    EXPECT_EQ(refused.error(), errc::invalid_argument);
    co_await send(ours, "same", "undisturbed");
    const parts got = co_await first.read_message();
    EXPECT_EQ(got, parts{"undisturbed"});
    connect_to(ours, endpoint_of(listener)); // with no given id
    co_await close(ours);
  });
}

TEST_P(router_test, keeps_the_id_that_it_made_up_when_a_peer_comes_back) {
  run([&]() -> task<> {
    const listening_socket listener = listen_on_tcp();
    router ours(logged());
    connect_to(ours, endpoint_of(listener));
    std::string id;
    for (int connection = 0; connection < 3; ++connection) {
      wire_peer theirs = co_await wire_peer::accept(listener);
      co_await theirs.shake_hands("DEALER");
      co_await theirs.send(wire_frame("hello"));
      const parts got = co_await receive(ours);
      EXPECT_TRUE(connection == 0 || got[0] == id);
      id = got[0];
      co_await send(ours, id, "answer");
      const parts answer = co_await theirs.read_message();
      EXPECT_EQ(answer, parts{"answer"});
    }
    co_await close(ours);
  });
}

TEST_P(router_test, is_probed_by_an_empty_message_at_every_connection) {
  run([&]() -> task<> {
    const listening_socket listener = listen_on_tcp();
    socket_options probing = quick("prober");
    probing.probe_router = true;
    dealer ours(probing);
    connect_to(ours, endpoint_of(listener));
    co_await send(ours, "queued before");
    for (int connection = 0; connection < 2; ++connection) {
      wire_peer theirs = co_await wire_peer::accept(listener);
      co_await theirs.shake_hands("ROUTER");
      const parts probe = co_await theirs.read_message();
      EXPECT_EQ(probe, parts{""}) << "first of all";
      if (connection == 0) {
        const parts queued = co_await theirs.read_message();
        EXPECT_EQ(queued, parts{"queued before"});
      }
    }
    co_await close(ours);
  });
}

INSTANTIATE_TEST_SUITE_P(backends, router_test, on_each_backend(), name_of_backend);

} // namespace
} // namespace weir::zmtp
