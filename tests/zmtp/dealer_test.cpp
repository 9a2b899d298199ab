// DEALER: messages go to the peers in turn and come from them in turn; queues are there before the peers are.
#include <gtest/gtest.h>
#include <support/zmtp_peers.hpp>

#include <algorithm>
#include <string>
#include <vector>

namespace weir::zmtp {
namespace {

using namespace test;
using enum socket_event_kind;

class dealer_test : public backend_test {};

TEST_P(dealer_test, sends_to_its_peers_in_turn) {
  run([&]() -> task<> {
    dealer ours(quick());
    const std::string endpoint = bind_to(ours, any_tcp);
    std::vector<wire_peer> peers;
    for (int i = 0; i < 3; ++i) {
      peers.push_back(co_await join(endpoint));
      co_await until([&] { return ours.connected() == peers.size(); });
    }
    for (int i = 0; i < 9; ++i) co_await send(ours, "message", std::to_string(i));
    for (int i = 0; i < 9; ++i) {
      const parts got = co_await peers[static_cast<std::size_t>(i % 3)].read_message();
      EXPECT_EQ(got, (parts{"message", std::to_string(i)}));
    }
    co_await close(ours);
  });
}

TEST_P(dealer_test, passes_over_a_peer_that_has_gone) {
  run([&]() -> task<> {
    dealer ours(quick());
    const std::string endpoint = bind_to(ours, any_tcp);
    wire_peer stays = co_await join(endpoint);
    wire_peer leaves = co_await join(endpoint);
    co_await until([&] { return ours.connected() == 2; });
    leaves.close();
    co_await until([&] { return ours.connected() == 1; });
    for (int i = 0; i < 4; ++i) {
      co_await send(ours, std::to_string(i));
      const parts got = co_await stays.read_message();
      EXPECT_EQ(got, parts{std::to_string(i)});
    }
    co_await close(ours);
  });
}

TEST_P(dealer_test, skips_a_peer_whose_queue_is_full_and_waits_when_all_are) {
  if (const std::string reason = why_no_sockets(weir::test::transport::local); !reason.empty())
    GTEST_SKIP() << reason;
  run([&]() -> task<> {
    socket_options options = quick();
    options.send_hwm = 3;
    dealer ours(options);
    const std::string endpoint = bind_to(ours, any_ipc);
    wire_peer stalled = co_await join(endpoint);
    co_await until([&] { return ours.connected() == 1; });
    wire_peer reads = co_await join(endpoint);
    co_await until([&] { return ours.connected() == 2; });
    const std::string body = pattern(50'000);
    constexpr int all = 100;
    const auto send_all = [&]() -> task<> {
      for (int i = 0; i < all; ++i) co_await send(ours, std::to_string(i), body);
    };
    std::vector<bool> seen(all);
    int count = 0;
    const auto read_until_stuck = [&]() -> task<> {
      while (ours.counters().messages_sent < all) {
        const parts got = co_await reads.read_message();
        seen[static_cast<std::size_t>(std::stoi(got[0]))] = true;
        ++count;
      }
    };
    co_await when_all(send_all(), read_until_stuck());
    EXPECT_GT(count, all / 2) << "the one that reads got more than its turn";
    const auto read_rest = [&](wire_peer& from) -> task<> {
      while (count < all) {
        const parts got = co_await from.read_message();
        if (got.empty()) co_return;
        EXPECT_TRUE(got[1] == body);
        seen[static_cast<std::size_t>(std::stoi(got[0]))] = true;
        if (++count == all) stalled.end(), reads.end(); // the socket closes, so the other reader ends too
      }
    };
    co_await when_all(read_rest(stalled), read_rest(reads));
    EXPECT_EQ(std::ranges::count(seen, true), all);
    co_await close(ours);
  });
}

TEST_P(dealer_test, receives_one_whole_message_from_each_peer_in_turn) {
  run([&]() -> task<> {
    dealer ours(quick());
    const std::string endpoint = bind_to(ours, any_tcp);
    std::vector<wire_peer> peers;
    for (const char* name : {"a", "b", "c"}) {
      peers.push_back(co_await join(endpoint));
      std::string text;
      for (int i = 0; i < 10; ++i) text += wire_message({name, std::to_string(i), "end"});
      co_await peers.back().send(text);
      co_await until([&] { return unread_bytes(peers.back().number()) == 0; });
      co_await turns(5);
    }
    co_await until([&] { return ours.connected() == 3; });
    co_await turns(10);
    for (int i = 0; i < 10; ++i) {
      for (const char* name : {"a", "b", "c"}) {
        const parts got = co_await receive(ours);
        EXPECT_EQ(got, (parts{name, std::to_string(i), "end"}));
      }
    }
    co_await close(ours);
  });
}

TEST_P(dealer_test, queues_for_a_peer_that_is_not_there_yet_up_to_its_mark) {
  run([&]() -> task<> {
    listening_socket listener = listen_on_tcp();
    socket_options options = quick();
    options.send_hwm = 4;
    dealer ours(options);
    connect_to(ours, endpoint_of(listener));
    for (int i = 0; i < 4; ++i) co_await send(ours, std::to_string(i));
    message fifth({"4"});
    const auto send_fifth = [&]() -> task<result<>> { co_return co_await ours.send(fifth); };
    result<> late = co_await with_deadline(2ms, send_fifth());
    EXPECT_FALSE(late);
    EXPECT_EQ(parts_of(fifth), parts{"4"}) << "a send that is cancelled leaves the message";

    const auto serve = [&]() -> task<> {
      wire_peer theirs = co_await wire_peer::accept(listener);
      co_await theirs.shake_hands("ROUTER");
      for (int i = 0; i < 5; ++i) {
        const parts got = co_await theirs.read_message();
        EXPECT_EQ(got, parts{std::to_string(i)});
      }
    };
    auto [sent, served] = co_await when_all(send_fifth(), serve());
    EXPECT_TRUE(sent);
    co_await close(ours);
  });
}

TEST_P(dealer_test, when_immediate_queues_for_connected_peers_only) {
  run([&]() -> task<> {
    const listening_socket listener = listen_on_tcp();
    socket_options options = quick();
    options.immediate = true;
    dealer ours(options);
    connect_to(ours, endpoint_of(listener));
    const auto send_one = [&](const char* text) -> task<result<>> {
      message out({text});
      co_return co_await ours.send(out);
    };
    result<> refused = co_await with_deadline(2ms, send_one("nobody is there"));
    EXPECT_FALSE(refused);
    const auto serve = [&]() -> task<wire_peer> {
      wire_peer theirs = co_await wire_peer::accept(listener);
      co_await theirs.shake_hands("ROUTER");
      const parts got = co_await theirs.read_message();
      EXPECT_EQ(got, parts{"somebody is"});
      co_return theirs;
    };
    auto [sent, theirs] = co_await when_all(send_one("somebody is"), serve());
    EXPECT_TRUE(sent);
    theirs.close();
    co_await until([&] { return ours.connected() == 0; });
    refused = co_await with_deadline(0ms, send_one("nobody again"));
    EXPECT_FALSE(refused);
    co_await close(ours);
  });
}

TEST_P(dealer_test, without_any_peer_waits_until_one_comes) {
  run([&]() -> task<> {
    dealer ours(quick());
    const std::string endpoint = bind_to(ours, any_tcp);
    const auto come_later = [&]() -> task<> {
      co_await turns(5);
      EXPECT_EQ(ours.counters().messages_sent, 0u);
      wire_peer theirs = co_await join(endpoint, "ROUTER");
      const parts got = co_await theirs.read_message();
      EXPECT_EQ(got, parts{"first come"});
    };
    co_await when_all(send(ours, "first come"), come_later());
    co_await close(ours);
  });
}

TEST_P(dealer_test, a_send_that_waits_gets_the_queue_that_a_connect_makes) {
  run([&]() -> task<> {
    const listening_socket listener = listen_on_tcp();
    dealer ours(quick());
    const auto connect_later = [&]() -> task<> {
      co_await turns(3);
      connect_to(ours, endpoint_of(listener)); // which answers nobody yet
    };
    co_await when_all(send(ours, "first"), connect_later());
    co_await send(ours, "second");
    wire_peer theirs = co_await wire_peer::accept(listener);
    co_await theirs.shake_hands("DEALER");
    for (const char* expected : {"first", "second"}) {
      const parts got = co_await theirs.read_message();
      EXPECT_EQ(got, parts{expected});
    }
    co_await close(ours);
  });
}

/// Messages that are whole come at once, whatever comes of what is behind them.
TEST_P(dealer_test, receives_what_is_in_front_of_a_large_or_broken_frame) {
  run([&]() -> task<> {
    dealer ours(quick());
    const std::string endpoint = bind_to(ours, any_tcp);
    const std::string large = wire_frame(std::string(1'000'000, 'l'));
    wire_peer stops = co_await join(endpoint);
    co_await stops.send(wire_frame("in front") + large.substr(0, 1000));
    parts got = co_await receive(ours);
    EXPECT_EQ(got, parts{"in front"});
    co_await stops.send(large.substr(1000));
    got = co_await receive(ours);
    EXPECT_EQ(got, parts{std::string(1'000'000, 'l')});

    wire_peer breaks = co_await join(endpoint);
    co_await breaks.send(wire_frame("good") + "\xff");
    got = co_await receive(ours);
    EXPECT_EQ(got, parts{"good"});
    wire_peer leaves = co_await join(endpoint);
    co_await leaves.send(wire_frame("last words") + large.substr(0, 1000));
    co_await until([&] { return ours.connected() == 2; });
    leaves.close();
    co_await until([&] { return ours.connected() == 1; });
    got = co_await receive(ours);
    EXPECT_EQ(got, parts{"last words"});
    co_await close(ours);
  });
}

TEST_P(dealer_test, waiting_receives_are_served_in_their_order) {
  run([&]() -> task<> {
    dealer ours(quick());
    const std::string endpoint = bind_to(ours, any_tcp);
    const auto come_later = [&]() -> task<> {
      wire_peer theirs = co_await join(endpoint);
      co_await theirs.send(wire_frame("1") + wire_frame("2") + wire_frame("3"));
    };
    auto [first, second, third, sent] =
        co_await when_all(receive(ours), receive(ours), receive(ours), come_later());
    EXPECT_EQ(first, parts{"1"});
    EXPECT_EQ(second, parts{"2"});
    EXPECT_EQ(third, parts{"3"});
    co_await close(ours);
  });
}

TEST_P(dealer_test, a_receive_that_is_cancelled_takes_nothing) {
  run([&]() -> task<> {
    dealer ours(quick());
    wire_peer theirs = co_await join(bind_to(ours, any_tcp));
    for (int i = 0; i < 200; ++i) {
      cancellation scope;
      message in;
      const auto cancel = [&]() -> task<> {
        co_await turns(i % 5);
        scope.request();
      };
      const auto receive_under = [&]() -> task<result<>> {
        const auto inner = [&]() -> task<result<>> { co_return co_await ours.receive(in); };
        co_return co_await inner().under(&scope);
      };
      const std::string text = std::to_string(i);
      auto [got, sent, cancelled] =
          co_await when_all(receive_under(), theirs.send(wire_frame(text)), cancel());
      if (got) {
        EXPECT_EQ(parts_of(in), parts{text});
        continue;
      }
      EXPECT_TRUE(got.error().is_cancelled());
      EXPECT_TRUE(in.empty());
      const parts later = co_await receive(ours);
      EXPECT_EQ(later, parts{text}) << "the cancelled receive has swallowed it";
    }
    co_await close(ours);
  });
}

TEST_P(dealer_test, tries_to_receive_without_waiting) {
  run([&]() -> task<> {
    dealer ours(quick());
    wire_peer theirs = co_await join(bind_to(ours, any_tcp));
    message in({"old"});
    EXPECT_FALSE(ours.try_receive(in));
    co_await theirs.send(wire_frame("new"));
    co_await until([&] { return ours.try_receive(in); });
    EXPECT_EQ(parts_of(in), parts{"new"});
    EXPECT_EQ(ours.counters().messages_received, 1u);
    co_await close(ours);
  });
}

INSTANTIATE_TEST_SUITE_P(backends, dealer_test, on_each_backend(), name_of_backend);

} // namespace
} // namespace weir::zmtp
