// Streams: ends, resets, order, and receiving while the buffer pool is exhausted.
#include "contract.hpp"

#include <support/fatal_sigpipe.hpp>

#include <algorithm>
#include <deque>
#include <thread>

namespace weir::test {
namespace {

using contract_streams = stream_contract;

TEST_P(contract_streams, half_a_connection_goes_on_when_the_other_has_ended) {
  connection pair = connect_pair(over());
  receive_many ours(pair.ours.get()), theirs(pair.theirs.get());
  shutdown ending(pair.theirs.get(), SHUT_WR);
  start(ours, theirs);
  ASSERT_TRUE(run(ending) && finish(ours));
  EXPECT_EQ(ours.results, std::vector{0});
  for (const char* text : {"still ", "heard"}) {
    send sending(pair.ours.get(), text);
    ASSERT_TRUE(run(sending));
  }
  ASSERT_TRUE(wait_for([&] { return theirs.received == "still heard"; }));
  EXPECT_FALSE(theirs.is_done());
}

TEST_P(contract_streams, the_end_comes_behind_everything_that_was_sent) {
  for (const std::size_t size :
       {std::size_t{1}, std::size_t{32768}, std::size_t{100'000}, std::size_t{3} << 20}) {
    connection pair = connect_pair(over());
    const std::string text = pattern(size);
    peer_thread peer([&text, theirs = std::move(pair.theirs)] { send_text(theirs.get(), text); });
    receive_many receiving(pair.ours.get());
    ASSERT_TRUE(run(receiving));
    EXPECT_EQ(receiving.result(), 0);
    EXPECT_TRUE(receiving.received == text) << size;
  }
}

/// The armed receive learns of both in one wake-up: it must not stop at the data.
TEST_P(contract_streams, the_end_that_comes_together_with_data_is_not_missed) {
  for (const bool is_reset : {false, true}) {
    connection pair = connect_pair(over());
    receive_many receiving(pair.ours.get());
    start(receiving);
    turn();
    turn();
    send_text(pair.theirs.get(), "the last words");
    if (is_reset) {
      reset(pair);
    } else {
      pair.theirs.reset();
    }
    ASSERT_TRUE(finish(receiving));
    EXPECT_EQ(receiving.received, "the last words");
    EXPECT_EQ(receiving.result(), is_reset ? -ECONNRESET : 0);
  }
}

/// Its last data and its end arrive while the receive that is armed is at work.
TEST_P(contract_streams, a_peer_that_sends_and_leaves_is_heard_to_the_end_every_time) {
  const std::string text = pattern(200'000);
  for (std::size_t round = 0; round < 60; ++round) {
    connection pair = connect_pair(over());
    const std::string_view sent = std::string_view(text).substr(0, 1 + round * 3'000);
    peer_thread peer([sent, theirs = std::move(pair.theirs)] { send_text(theirs.get(), sent); });
    receive_many receiving(pair.ours.get());
    ASSERT_TRUE(run(receiving)) << "round " << round;
    EXPECT_TRUE(receiving.received == sent) << "round " << round;
  }
}

TEST_P(contract_streams, the_end_is_reported_to_every_later_read) {
  connection pair = connect_pair(over());
  pair.theirs.reset();
  for (int round = 0; round < 3; ++round) {
    receive_many many(pair.ours.get());
    receive one(pair.ours.get(), 10);
    ASSERT_TRUE(run(many) && run(one));
    EXPECT_EQ(many.results, std::vector{0});
    EXPECT_EQ(one.results, std::vector{0});
  }
}

TEST_P(contract_streams, a_reset_is_an_error_and_not_an_end) {
  for (const bool is_waiting : {true, false}) {
    connection pair = connect_pair(over());
    receive_many receiving(pair.ours.get());
    if (is_waiting) {
      start(receiving);
      turn();
      reset(pair);
    } else {
      reset(pair);
      start(receiving);
    }
    ASSERT_TRUE(finish(receiving));
    EXPECT_EQ(receiving.results, std::vector{-ECONNRESET});
  }
}

TEST_P(contract_streams, sends_to_a_peer_that_has_gone_fail_without_a_signal) {
  const fatal_sigpipe in_force;
  const auto sends_until_failure = [&](auto make) {
    connection pair = connect_pair(over());
    pair.theirs.reset();
    int outcome = 1;
    while (outcome > 0) { // tcp learns of it by the answer to the first
      auto sending = make(pair.ours.get());
      ASSERT_TRUE(run(*sending));
      outcome = sending->result();
    }
    EXPECT_TRUE(outcome == -EPIPE || outcome == -ECONNRESET) << outcome;
  };
  sends_until_failure([](int socket) { return std::make_unique<send>(socket, "x"); });
  sends_until_failure([](int socket) { return std::make_unique<send>(socket, "x", true); });
  sends_until_failure(
      [](int socket) { return std::make_unique<send_gathered>(socket, std::vector<std::string>{"x", "y"}); });
}

/// Both directions at full speed on one thread: what comes out is what went in.
TEST_P(contract_streams, carry_data_both_ways_at_once) {
  const connection pair = connect_pair(over());
  const std::string text = pattern(std::size_t{8} << 20);
  struct sender {
    sender(loop_fixture& in, loop& to, int socket, const std::string& all)
        : test(in), on(to), text(all), operation(socket, "") {}
    loop_fixture& test;
    loop& on;
    const std::string& text;
    std::size_t sent = 0;
    send operation;
    void next() {
      if (!operation.results.empty()) sent += static_cast<std::size_t>(operation.result());
      if (sent == text.size()) return;
      operation.buffer = std::as_bytes(std::span(text)).subspan(sent);
      operation.start(on);
    }
  };
  sender there(*this, on(), pair.ours.get(), text), back(*this, on(), pair.theirs.get(), text);
  receive_many ours(pair.ours.get()), theirs(pair.theirs.get());
  there.operation.then = [&] { there.next(); };
  back.operation.then = [&] { back.next(); };
  start(ours, theirs);
  there.next();
  back.next();
  ASSERT_TRUE(
      wait_for([&] { return ours.received.size() == text.size() && theirs.received.size() == text.size(); }));
  EXPECT_TRUE(ours.received == text);
  EXPECT_TRUE(theirs.received == text);
}

/// With a pool of a few slots whose leases are all held, others wait; when slots return, all goes on.
TEST_P(contract_streams, wait_in_line_while_the_pool_is_exhausted) {
  for (const std::size_t slots : {1u, 2u, 5u}) {
    loop_options tiny = options();
    tiny.buffers.slot_bytes = 4096;
    tiny.buffers.budget_bytes = slots * tiny.buffers.slot_bytes;
    reopen(tiny);
    const connection greedy = connect_pair(over());
    receive_many hoarding(greedy.ours.get());
    hoarding.keeps_leases = true;
    start(hoarding);
    const std::string text = pattern(slots * 3 * 4096);
    send_text(greedy.theirs.get(), text);
    ASSERT_TRUE(
        wait_for([&] { return on().buffers().slots_free() == 0 && hoarding.leases.size() == slots; }));

    const connection poor = connect_pair(over());
    receive_many waiting(poor.ours.get());
    start(waiting);
    send_text(poor.theirs.get(), "patience");
    const std::uint64_t turns = on().counters().turns;
    for (int count = 0; count < 20; ++count) turn();
    EXPECT_EQ(on().counters().turns, turns + 20);
    EXPECT_EQ(waiting.results.size(), 0u) << "an empty pool is no error and no end";
    EXPECT_GE(on().counters().receives_starved, 1u);

    hoarding.keeps_leases = false;
    hoarding.leases.clear();
    ASSERT_TRUE(
        wait_for([&] { return hoarding.received.size() == text.size() && waiting.received == "patience"; }));
    EXPECT_TRUE(hoarding.received == text);
    EXPECT_FALSE(hoarding.is_done() || waiting.is_done());
  }
}

TEST_P(contract_streams, starved_ones_go_on_first_come_first_served) {
  loop_options tiny = options();
  tiny.buffers.slot_bytes = 4096;
  tiny.buffers.budget_bytes = 4096;
  reopen(tiny);
  const connection greedy = connect_pair(over());
  receive_many hoarding(greedy.ours.get());
  hoarding.keeps_leases = true;
  start(hoarding);
  send_text(greedy.theirs.get(), "all of it");
  ASSERT_TRUE(wait_for([&] { return hoarding.leases.size() == 1; }));

  std::deque<connection> pairs;
  std::deque<receive_many> waiting;
  std::string order;
  for (char name = 'a'; name < 'f'; ++name) {
    pairs.push_back(connect_pair(over()));
    receive_many& next = waiting.emplace_back(pairs.back().ours.get());
    next.then = [&order, name] { order += name; };
    start(next);
    send_text(pairs.back().theirs.get(), "x");
    for (int count = 0; count < 3; ++count) turn(); // each is starved before the next begins
  }
  EXPECT_EQ(order, "");
  hoarding.leases.clear();
  ASSERT_TRUE(wait_for([&] { return order.size() == 5; }));
  // Where receives end in the midst, or meet an empty ring, they go to the end of the line.
  if (which().simulated == simulation::hostile) std::ranges::sort(order);
  EXPECT_EQ(order, "abcde");
}

TEST_P(contract_streams, a_starved_one_can_be_cancelled) {
  loop_options tiny = options();
  tiny.buffers.slot_bytes = 4096;
  tiny.buffers.budget_bytes = 2 * 4096;
  reopen(tiny);
  const connection greedy = connect_pair(over());
  receive_many hoarding(greedy.ours.get());
  hoarding.keeps_leases = true;
  start(hoarding);
  send_text(greedy.theirs.get(), pattern(4 * 4096));
  ASSERT_TRUE(wait_for([&] { return hoarding.leases.size() == 2; }));

  const connection pair = connect_pair(over());
  receive_many starved(pair.ours.get());
  start(starved);
  send_text(pair.theirs.get(), "kept");
  for (int count = 0; count < 5; ++count) turn();
  starved.cancel();
  ASSERT_TRUE(finish(starved));
  EXPECT_EQ(starved.results, std::vector{-ECANCELED});
  EXPECT_EQ(read_text(pair.ours.get(), 4), "kept");
  hoarding.cancel();
  ASSERT_TRUE(finish(hoarding));
  hoarding.leases.clear();
}

/// A consumer that drops each lease at once can receive any amount through a pool of one slot.
TEST_P(contract_streams, of_any_length_pass_through_one_slot) {
  loop_options tiny = options();
  tiny.buffers.slot_bytes = 4096;
  tiny.buffers.budget_bytes = 4096;
  reopen(tiny);
  constexpr std::size_t count = 3;
  const std::string text = pattern(200'000);
  std::deque<connection> pairs;
  std::deque<receive_many> receiving;
  std::deque<peer_thread> peers;
  for (std::size_t index = 0; index < count; ++index) {
    connection& pair = pairs.emplace_back(connect_pair(over()));
    peers.emplace_back([&text, theirs = std::move(pair.theirs)] { send_text(theirs.get(), text); });
    start(receiving.emplace_back(pair.ours.get()));
  }
  for (receive_many& each : receiving) {
    ASSERT_TRUE(finish(each));
    EXPECT_EQ(each.result(), 0);
    EXPECT_TRUE(each.received == text);
  }
}

/// One that sends without end does not keep another from being heard.
TEST_P(contract_streams, share_the_loop_fairly) {
  connection busy = connect_pair(over()), quiet = connect_pair(over());
  std::atomic<bool> is_enough = false;
  peer_thread flood([&is_enough, theirs = std::move(busy.theirs)] {
    const std::string chunk(1u << 16, '.');
    while (!is_enough) send_text(theirs.get(), chunk);
  });
  receive_many flooded(busy.ours.get()), heard(quiet.ours.get());
  flooded.then = [&] { flooded.received.clear(); };
  start(flooded, heard);
  ASSERT_TRUE(wait_for([&] { return on().counters().bytes_received > (4u << 20); }));
  for (std::size_t count = 1; count <= 20; ++count) {
    send_text(quiet.theirs.get(), "x");
    const std::uint64_t turns = on().counters().turns;
    ASSERT_TRUE(wait_for([&] { return heard.received.size() == count; }));
    EXPECT_LE(on().counters().turns - turns, 10u);
  }
  is_enough = true;
  ASSERT_TRUE(finish(flooded));
  EXPECT_EQ(flooded.result(), 0);
}

INSTANTIATE_TEST_SUITE_P(backends, contract_streams, each_stream(), name_of_transport);

} // namespace
} // namespace weir::test
