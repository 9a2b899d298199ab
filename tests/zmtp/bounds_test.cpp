// What a socket may hold: marks on both sides, the budget of the loop, connections at once; and that within
// its bounds nothing stops for ever.
#include <gtest/gtest.h>
#include <support/allocations.hpp>
#include <support/zmtp_peers.hpp>

#include <memory>
#include <string>
#include <unordered_map>
#include <vector>

namespace weir::zmtp {
namespace {

using namespace test;
using enum socket_event_kind;

class bounds_test : public transport_test {
 protected:
  std::string_view anywhere() const { return over() == weir::test::transport::tcp ? any_tcp : any_ipc; }
};

TEST_P(bounds_test, marks_on_both_sides_stop_the_sender_and_lose_nothing) {
  run([&]() -> task<> {
    socket_options few = quick();
    few.receive_hwm = 10;
    few.send_hwm = 10;
    dealer receiver(few), sender(few);
    connect_to(sender, bind_to(receiver, anywhere()));
    const std::string body = pattern(100'000);
    int sent = 0;
    const auto send_all = [&]() -> task<> {
      for (; sent < 300; ++sent) co_await send(sender, std::to_string(sent), body);
    };
    const auto stall_then_receive = [&]() -> task<> {
      int before = -1;
      while (before != sent) { // until the sender waits
        before = sent;
        co_await turns(30);
      }
      EXPECT_LT(sent, 300) << "the sender was never stopped";
      EXPECT_LE(sender.counters().messages_sent, static_cast<std::uint64_t>(sent));
      for (int i = 0; i < 300; ++i) {
        const parts got = co_await receive(receiver);
        EXPECT_TRUE(got == (parts{std::to_string(i), body})) << i;
      }
    };
    co_await when_all(send_all(), stall_then_receive());
    co_await close(sender);
    co_await close(receiver);
  });
}

TEST_P(bounds_test, a_resumed_receiver_has_the_next_messages_without_a_system_call) {
  run([&]() -> task<> {
    dealer receiver(quick());
    wire_peer sender = co_await join(bind_to(receiver, anywhere()));
    std::string many;
    for (int i = 0; i < 500; ++i) many += wire_frame(std::to_string(i));
    co_await sender.send(many);
    co_await until([&] { return unread_bytes(sender.number()) == 0 && pinned_slots() > 0; });
    co_await turns(5);
    const loop_counters before = on().counters();
    for (int i = 0; i < 500; ++i) {
      const parts got = co_await receive(receiver);
      EXPECT_EQ(got, parts{std::to_string(i)});
    }
    EXPECT_EQ(on().counters().system_calls, before.system_calls);
    EXPECT_EQ(on().counters().turns, before.turns);
    co_await close(receiver);
  });
}

/// Both write as much as they can, both read all the time: neither may wait for the other.
TEST_P(bounds_test, two_sockets_that_flood_each_other_both_get_everything) {
  run([&]() -> task<> {
    socket_options few = quick();
    few.send_hwm = 4;
    few.receive_hwm = 4;
    dealer left(few), right(few);
    connect_to(left, bind_to(right, anywhere()));
    co_await until([&] { return left.connected() == 1 && right.connected() == 1; });
    const std::string body = pattern(50'000);
    const auto send_all = [&](dealer& from) -> task<> {
      for (int i = 0; i < 400; ++i) co_await send(from, std::to_string(i), body);
    };
    const auto receive_all = [&](dealer& at) -> task<> {
      for (int i = 0; i < 400; ++i) {
        const parts got = co_await receive(at);
        EXPECT_TRUE(got == (parts{std::to_string(i), body})) << i;
      }
    };
    co_await when_all(send_all(left), send_all(right), receive_all(left), receive_all(right));
    co_await close(left);
    co_await close(right);
  });
}

/// 200 peers that all send more than the loop's whole budget holds, to a socket that does not read.
TEST_P(bounds_test, stalled_peers_together_stay_within_the_budget_of_the_loop) {
  loop_options small = options();
  small.buffers.budget_bytes = std::size_t{4} << 20;
  reopen(small);
  run([&]() -> task<> {
    constexpr int peers_max = 200;
    router server(quick());
    const std::string endpoint = bind_to(server, anywhere());
    std::string text;
    for (int i = 0; i < 150; ++i) text += wire_message({std::to_string(i), std::string(700, 'b')});
    std::vector<wire_peer> peers;
    for (int i = 0; i < peers_max; ++i)
      peers.push_back(co_await join(endpoint, "DEALER", "peer " + std::to_string(i)));
    std::vector<task<>> sending;
    for (wire_peer& each : peers) sending.push_back(each.send(text));

    const auto stall_then_receive = [&]() -> task<> {
      std::uint64_t received = ~std::uint64_t{0};
      while (received != on().counters().bytes_received) {
        received = on().counters().bytes_received;
        co_await turns(10);
      }
      EXPECT_EQ(on().buffers().slots_free(), 0u) << "nothing was stalled";
      std::unordered_map<std::string, int> next;
      for (int count = 0; count < 150 * peers_max; ++count) {
        const parts got = co_await receive(server);
        EXPECT_EQ(got[1], std::to_string(next[got[0]]++));
      }
      EXPECT_EQ(next.size(), std::size_t{peers_max});
    };
    co_await when_all(when_all(std::move(sending)), stall_then_receive());
    co_await close(server);
  });
}

/// Messages of many peers, none of which is whole yet, use up all slots: they must not wait for each other.
TEST_P(bounds_test, unfinished_messages_of_many_peers_do_not_block_each_other) {
  loop_options small = options();
  small.buffers.budget_bytes = std::size_t{2} << 20;
  reopen(small);
  run([&]() -> task<> {
    constexpr int peers_max = 100;
    router server(quick());
    const std::string endpoint = bind_to(server, anywhere());
    const std::string body = pattern(200'000); // too small for memory of its own, 20 MB in all
    std::vector<wire_peer> peers;
    for (int i = 0; i < peers_max; ++i) peers.push_back(co_await join(endpoint));
    const std::string text = wire_frame(body);
    std::vector<task<>> sending;
    for (std::size_t at = 0; at < text.size(); at += 40'000) {
      // All of them a piece at a time.
      for (wire_peer& each : peers) sending.push_back(each.send(std::string_view(text).substr(at, 40'000)));
      co_await when_all(std::move(sending));
      sending.clear();
      co_await turns(2);
    }
    for (int i = 0; i < peers_max; ++i) {
      const parts got = co_await receive(server);
      EXPECT_TRUE(got[1] == body);
    }
    co_await close(server);
  });
}

/// The beginnings of messages behind those that were taken hold a slot each; with more peers than slots all
/// must get on nevertheless.
TEST_P(bounds_test, more_peers_than_slots_get_on) {
  loop_options small = options();
  small.buffers.budget_bytes = std::size_t{2} << 20;
  reopen(small);
  run([&]() -> task<> {
    constexpr int peers_max = 150;
    router server(quick());
    const std::string endpoint = bind_to(server, anywhere());
    std::vector<wire_peer> peers;
    for (int i = 0; i < peers_max; ++i) peers.push_back(co_await join(endpoint));
    for (int round = 0; round < 3; ++round) {
      for (wire_peer& each : peers)
        co_await each.send(wire_frame("first") + wire_frame(std::string(90, 'b')).substr(0, 50));
      for (int i = 0; i < peers_max; ++i) {
        const parts got = co_await receive(server);
        EXPECT_EQ(got[1], "first");
      }
      for (wire_peer& each : peers) co_await each.send(wire_frame(std::string(90, 'b')).substr(50));
      for (int i = 0; i < peers_max; ++i) {
        const parts got = co_await receive(server);
        EXPECT_EQ(got[1], std::string(90, 'b'));
      }
    }
    co_await close(server);
  });
}

TEST_P(bounds_test, connections_over_the_limit_wait_until_one_ends) {
  run([&]() -> task<> {
    event_log log;
    socket_options options = quick();
    options.connections_max = 3;
    options.listen.accepted_max = 1;
    log.listen_to(options);
    dealer server(options);
    const std::string endpoint = bind_to(server, anywhere());
    std::vector<wire_peer> peers;
    for (int i = 0; i < 8; ++i) {
      peers.push_back(co_await wire_peer::connect(endpoint));
      co_await peers.back().send(wire_greeting() + wire_ready("DEALER"));
    }
    co_await log.wait_for(handshake_succeeded, 3);
    co_await turns(10);
    EXPECT_EQ(server.connected(), 3u);
    for (std::size_t i = 0; i < 5; ++i) {
      peers[i].close();
      co_await log.wait_for(handshake_succeeded, 4 + i);
      EXPECT_LE(server.connected(), 3u);
    }
    co_await close(server);
  });
}

/// 3,000 messages each way: nothing is allocated on the way, and every slot is back at the end.
TEST_P(bounds_test, in_steady_state_nothing_is_allocated) {
  run([&]() -> task<> {
    router left(quick("left")), right(quick("right"));
    connect_to(left, bind_to(right, anywhere()));
    co_await until([&] { return left.connected() == 1 && right.connected() == 1; });
    const std::string body(64, 'b'), large(5'000, 'l');
    bool all_right = true;
    message out, in;
    const auto round_trips = [&](int count) -> task<> {
      for (int i = 0; i < count; ++i) {
        out.clear();
        out.add(frame(std::string_view("right")));
        out.add(frame::borrowed(std::as_bytes(std::span(i % 10 == 0 ? large : body))));
        result<> sent = co_await left.send(out);
        result<> there = co_await right.receive(in);
        result<> answered = co_await right.send(in);
        result<> back = co_await left.receive(in);
        all_right = all_right && sent && there && answered && back && in.size() == 2 &&
                    in.back().text() == (i % 10 == 0 ? large : body);
      }
    };
    co_await round_trips(1'000); // queues grow to what they keep
    const std::uint64_t before = allocations_of_this_thread();
    co_await round_trips(3'000);
    EXPECT_EQ(allocations_of_this_thread() - before, 0u);
    EXPECT_TRUE(all_right);
    in.clear();
    EXPECT_EQ(pinned_slots(), 0u);
    EXPECT_EQ(on().send_buffers().slots_in_use(), 0u);
    co_await close(left);
    co_await close(right);
  });
}

// --- sizes ---

TEST_P(bounds_test, messages_of_every_size_come_through) {
  run([&]() -> task<> {
    router server(quick("server"));
    dealer client(quick("client"));
    connect_to(client, bind_to(server, anywhere()));
    std::vector<parts> messages;
    for (const std::size_t size : {0u, 1u, 30u, 31u, 255u, 256u, 8'192u, 65'535u, 65'536u, 1u << 20}) {
      messages.push_back({pattern(size)});
      messages.push_back({pattern(size), "", pattern(size)});
    }
    messages.push_back(parts(100, "one of a hundred"));
    messages.push_back(parts(100, pattern(10'000)));
    const auto send_all = [&]() -> task<> {
      for (const parts& each : messages) co_await send(client, each);
    };
    const auto echo_all = [&]() -> task<> {
      for (std::size_t i = 0; i < messages.size(); ++i) {
        message in;
        result<> got = co_await server.receive(in);
        EXPECT_TRUE(got);
        result<> sent = co_await server.send(in);
        EXPECT_TRUE(sent);
      }
    };
    const auto receive_all = [&]() -> task<> {
      for (const parts& each : messages) {
        const parts got = co_await receive(client);
        EXPECT_TRUE(got == each) << each.size() << " parts of " << each.front().size();
      }
    };
    co_await when_all(send_all(), echo_all(), receive_all());
    co_await close(client);
    co_await close(server);
  });
}

TEST_P(bounds_test, a_message_of_64_mib_comes_through_heavy) {
  run([&]() -> task<> {
    dealer server(quick()), client(quick());
    connect_to(client, bind_to(server, anywhere()));
    const std::string body = pattern(std::size_t{64} << 20);
    const auto send_it = [&]() -> task<> {
      message out;
      out.add(frame::borrowed(std::as_bytes(std::span(std::string_view("before")))));
      out.add(frame(lease::copy_of(std::as_bytes(std::span(body)))));
      result<> sent = co_await client.send(out);
      EXPECT_TRUE(sent);
      co_await send(client, "behind");
    };
    const auto receive_it = [&]() -> task<> {
      parts got = co_await receive(server);
      EXPECT_EQ(got[0], "before");
      EXPECT_TRUE(got[1] == body);
      got = co_await receive(server);
      EXPECT_EQ(got, parts{"behind"});
    };
    co_await when_all(send_it(), receive_it());
    EXPECT_EQ(pinned_slots(), 0u);
    co_await close(client);
    co_await close(server);
  });
}

INSTANTIATE_TEST_SUITE_P(backends, bounds_test, over_each_transport(), name_of_transport);

} // namespace
} // namespace weir::zmtp
