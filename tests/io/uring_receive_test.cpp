// Always-pending reads on io_uring: what they cost, what they hold, and who gets the slots when there are
// few.
#include "uring_rig.hpp"

#include <sys/socket.h>

#include <cerrno>
#include <deque>

namespace weir::test {
namespace {

using uring_receive_test = uring_rig;

constexpr std::size_t slot_bytes = 4096;

loop_options with_slots(loop_options options, std::size_t pool_slots, std::uint32_t ring_slots) {
  options.buffers.slot_bytes = slot_bytes;
  options.buffers.budget_bytes = pool_slots * slot_bytes;
  options.io.ring_slots = ring_slots;
  return options;
}

loop_options without_provided_buffers(loop_options options) {
  options.io.allowed.remove(capability::provided_buffers);
  return options;
}

loop_options one_shot(loop_options options) {
  options.io.strategy = receive_strategy::one_shot;
  return options;
}

TEST_F(uring_receive_test, costs_one_receive_and_one_system_call_a_message_when_they_come_one_by_one) {
  for (const auto& chosen : {options(), one_shot(options())}) {
    ASSERT_NO_FATAL_FAILURE(open(chosen));
    const connection pair = connect_pair(transport::tcp);
    receive_many incoming(pair.ours.get());
    start(incoming);
    turn();
    constexpr std::uint64_t messages = 200;
    // Each turn handles the message before, arms the receive if that is due, and waits for this one.
    const auto calls = calls_of([&] {
      for (std::uint64_t i = 0; i < messages; ++i) {
        send_text(pair.theirs.get(), "message");
        on().turn(on().now_ns() + patience_ns);
      }
    });
    ASSERT_TRUE(wait_for([&] { return incoming.received.size() == messages * 7; }));
    EXPECT_EQ(calls, messages);
    EXPECT_EQ(counters().receive_calls, messages);
    EXPECT_EQ(counters().receive_again, 0u);
    EXPECT_EQ(counters().bytes_received, messages * 7);
  }
}

TEST_F(uring_receive_test, stays_armed_on_tcp_and_is_renewed_on_local_sockets) {
  ASSERT_NO_FATAL_FAILURE(open(options()));
  if (!has(capability::multishot_receive)) GTEST_SKIP() << "this kernel has no multishot receive";
  for (const transport over : {transport::tcp, transport::local}) {
    const connection pair = connect_pair(over);
    receive_many incoming(pair.ours.get());
    start(incoming);
    turn();
    send_text(pair.theirs.get(), "message");
    while (unread_bytes(pair.ours.get()) > 0) on().backend().poll();
    const std::uint64_t submissions = calls_of([&] { on().backend().poll(); });
    EXPECT_EQ(submissions, over == transport::tcp ? 0u : 1u);
    ASSERT_TRUE(wait_for([&] { return incoming.received == "message"; }));
  }
}

TEST_F(uring_receive_test, asks_a_socket_once_for_its_family) {
  ASSERT_NO_FATAL_FAILURE(open(options()));
  if (!has(capability::multishot_receive)) GTEST_SKIP() << "this kernel has no multishot receive";
  const connection first = connect_pair(transport::tcp);
  const connection second = connect_pair(transport::local);
  receive_many incoming(first.ours.get());
  for (const int socket : {first.ours.get(), second.ours.get()}) {
    incoming.set_descriptor(socket);
    for (const std::uint64_t calls : {1u, 0u, 0u}) {
      EXPECT_EQ(calls_of([&] { start(incoming); }), calls);
      incoming.cancel();
      ASSERT_TRUE(finish(incoming));
    }
  }
}

TEST_F(uring_receive_test, fills_several_slots_with_one_receive) {
  ASSERT_NO_FATAL_FAILURE(open(with_slots(options(), 64, 16)));
  if (!has(capability::bundles)) GTEST_SKIP() << "this kernel has no bundles";
  const connection pair = connect_pair(transport::tcp);
  const std::string all = pattern(10 * slot_bytes + 1);
  send_text(pair.theirs.get(), all);
  receive_many incoming(pair.ours.get());
  incoming.keeps_leases = true;
  start(incoming);
  ASSERT_TRUE(wait_for([&] { return incoming.received.size() == all.size(); }));
  EXPECT_TRUE(incoming.received == all);
  EXPECT_GE(incoming.leases.size(), 11u);
  EXPECT_LE(counters().receive_calls, incoming.leases.size() / 3);
}

TEST_F(uring_receive_test, holds_no_slot_for_a_connection_that_waits) {
  for (const auto& chosen : {options(), one_shot(options()), without_provided_buffers(options())}) {
    ASSERT_NO_FATAL_FAILURE(open(with_slots(chosen, 64, 4)));
    std::deque<connection> pairs;
    std::deque<receive_many> waiting;
    for (int i = 0; i < 100; ++i) {
      pairs.push_back(connect_pair(transport::local));
      start(waiting.emplace_back(pairs.back().ours.get()));
    }
    turn();
    turn();
    EXPECT_EQ(on().buffers().slots_in_use(), has(capability::provided_buffers) ? 4u : 0u);
    send_text(pairs.back().theirs.get(), "still heard");
    ASSERT_TRUE(wait_for([&] { return waiting.back().received == "still heard"; }));
  }
}

TEST_F(uring_receive_test, waits_for_slots_and_goes_on_when_they_return) {
  for (const auto& chosen : {options(), one_shot(options()), without_provided_buffers(options())}) {
    ASSERT_NO_FATAL_FAILURE(open(with_slots(chosen, 8, 4)));
    const connection pair = connect_pair(transport::local);
    receive_many incoming(pair.ours.get());
    incoming.keeps_leases = true;
    const std::string all = pattern(30 * slot_bytes + 5);
    send_text(pair.theirs.get(), all);
    start(incoming);
    std::uint64_t times_starved = 0;
    while (incoming.received.size() < all.size()) {
      ASSERT_TRUE(wait_for([&] {
        return on().counters().receives_starved > times_starved || incoming.received.size() == all.size();
      }));
      times_starved = counters().receives_starved;
      // With nothing to be had it sleeps: it does not ask the kernel again and again.
      if (on().buffers().slots_free() == 0) {
        EXPECT_LE(calls_of([&] {
                    for (int i = 0; i < 10; ++i) turn();
                  }),
                  1u);
      }
      incoming.leases.clear();
    }
    EXPECT_TRUE(incoming.received == all);
    EXPECT_GE(times_starved, 2u);
    incoming.leases.clear();
  }
}

TEST_F(uring_receive_test, shares_few_slots_fairly) {
  for (const auto& chosen : {options(), one_shot(options()), without_provided_buffers(options())}) {
    ASSERT_NO_FATAL_FAILURE(open(with_slots(chosen, 2, 2)));
    std::deque<connection> pairs;
    std::deque<receive_many> streams;
    const std::string plenty = pattern(40 * slot_bytes);
    for (int i = 0; i < 4; ++i) {
      pairs.push_back(connect_pair(transport::local));
      send_text(pairs.back().theirs.get(), plenty);
      start(streams.emplace_back(pairs.back().ours.get()));
    }
    const auto received = [&] {
      std::size_t sum = 0;
      for (const receive_many& each : streams) sum += each.received.size();
      return sum;
    };
    ASSERT_TRUE(wait_for([&] { return received() >= 2 * plenty.size(); }));
    for (const receive_many& each : streams) EXPECT_GE(each.received.size(), plenty.size() / 4);
    for (receive_many& each : streams) each.cancel();
    ASSERT_TRUE(wait_for([&] { return streams.back().is_done(); }));
    for (const receive_many& each : streams) {
      EXPECT_EQ(each.result(), -ECANCELED);
      EXPECT_TRUE(plenty.starts_with(each.received));
    }
  }
}

TEST_F(uring_receive_test, can_be_cancelled_while_it_waits_for_slots) {
  for (const auto& chosen : {options(), without_provided_buffers(options())}) {
    ASSERT_NO_FATAL_FAILURE(open(with_slots(chosen, 2, 2)));
    const connection pair = connect_pair(transport::local);
    receive_many incoming(pair.ours.get());
    incoming.keeps_leases = true;
    const std::string all = pattern(5 * slot_bytes);
    send_text(pair.theirs.get(), all);
    start(incoming);
    ASSERT_TRUE(wait_for([&] { return on().counters().receives_starved > 0; }));
    incoming.cancel();
    ASSERT_TRUE(finish(incoming));
    EXPECT_EQ(incoming.result(), -ECANCELED);
    EXPECT_TRUE(all.starts_with(incoming.received));
    EXPECT_EQ(unread_bytes(pair.ours.get()), all.size() - incoming.received.size());
    incoming.leases.clear();
  }
}

TEST_F(uring_receive_test, gives_data_and_the_end_of_the_stream_that_were_there_before_it) {
  for (const auto& chosen : {options(), one_shot(options()), without_provided_buffers(options())}) {
    ASSERT_NO_FATAL_FAILURE(open(chosen));
    for (const transport over : {transport::tcp, transport::local}) {
      const connection pair = connect_pair(over);
      send_text(pair.theirs.get(), "all there");
      ::shutdown(pair.theirs.get(), SHUT_WR);
      receive_many incoming(pair.ours.get());
      ASSERT_TRUE(run(incoming));
      EXPECT_EQ(incoming.result(), 0);
      EXPECT_EQ(incoming.received, "all there");
    }
  }
}

TEST_F(uring_receive_test, gives_data_and_the_reset_that_were_there_before_it) {
  for (const auto& chosen : {options(), one_shot(options()), without_provided_buffers(options())}) {
    ASSERT_NO_FATAL_FAILURE(open(chosen));
    connection pair = connect_pair(transport::tcp);
    send_text(pair.theirs.get(), "all there");
    reset(pair);
    receive_many incoming(pair.ours.get());
    ASSERT_TRUE(run(incoming));
    EXPECT_EQ(incoming.result(), -ECONNRESET);
    EXPECT_EQ(incoming.received, "all there");
  }
}

TEST_F(uring_receive_test, gives_the_end_of_the_stream_behind_data_that_waited_for_slots) {
  ASSERT_NO_FATAL_FAILURE(open(with_slots(options(), 2, 2)));
  const connection pair = connect_pair(transport::tcp);
  receive_many incoming(pair.ours.get());
  incoming.keeps_leases = true;
  const std::string all = pattern(3 * slot_bytes);
  send_text(pair.theirs.get(), all);
  ::shutdown(pair.theirs.get(), SHUT_WR);
  start(incoming);
  ASSERT_TRUE(wait_for([&] { return on().counters().receives_starved > 0; }));
  EXPECT_FALSE(incoming.is_done());
  incoming.leases.clear();
  incoming.keeps_leases = false;
  ASSERT_TRUE(finish(incoming));
  EXPECT_EQ(incoming.result(), 0);
  EXPECT_TRUE(incoming.received == all);
}

} // namespace
} // namespace weir::test
