// Both ends of every bound: at a bound operations wait in line; none fails, none is lost.
#include "contract.hpp"

#include <weir/io/platform/sockets.hpp>

#include <algorithm>
#include <deque>
#include <numeric>

namespace weir::test {
namespace {

using contract_limits = contract;

std::vector<int> first_numbers(int count) {
  std::vector<int> numbers(static_cast<std::size_t>(count));
  std::iota(numbers.begin(), numbers.end(), 0);
  return numbers;
}

/// Starts `count` nops at once and tells the order in which they completed.
class many_nops {
 public:
  many_nops(loop& on, int count) {
    for (int number = 0; number < count; ++number) {
      nop& op = nops_.emplace_back();
      op.then = [this, number] { order.push_back(number); };
      op.start(on);
    }
  }
  std::vector<int> order;

 private:
  std::deque<nop> nops_;
};

TEST_P(contract_limits, one_operation_at_a_time_is_enough) {
  loop_options narrow = options();
  narrow.io.operations_max = 1;
  reopen(narrow);
  const connection pair = connect_pair(transport::local);
  std::vector<int> order;
  std::deque<poll> polls;
  for (int number = 0; number < 100; ++number) {
    poll& writable = polls.emplace_back(pair.ours.get(), static_cast<std::uint32_t>(POLLOUT));
    writable.then = [&order, number] { order.push_back(number); };
    start(writable);
  }
  EXPECT_EQ(on().outstanding(), 100u);
  EXPECT_EQ(on().counters().operations_parked, 99u);
  ASSERT_TRUE(wait_for([&] { return order.size() == 100; }));
  EXPECT_EQ(order, first_numbers(100)) << "what is parked keeps its order";
}

TEST_P(contract_limits, exactly_as_many_as_allowed_do_not_park) {
  constexpr std::uint32_t limit = 8;
  loop_options narrow = options();
  narrow.io.operations_max = limit;
  reopen(narrow);
  const connection pair = connect_pair(transport::local);
  std::deque<receive> receiving;
  for (std::uint32_t count = 0; count < limit; ++count) start(receiving.emplace_back(pair.ours.get(), 1));
  turn();
  turn();
  EXPECT_EQ(on().counters().operations_parked, 0u);
  receive one_more(pair.ours.get(), 1);
  start(one_more);
  turn();
  EXPECT_EQ(on().counters().operations_parked, 1u);
  EXPECT_EQ(one_more.state(), operation_state::parked);
  send_text(pair.theirs.get(), std::string(limit + 1, 'x'));
  ASSERT_TRUE(finish(one_more));
  for (const receive& each : receiving) ASSERT_TRUE(finish(each));
}

TEST_P(contract_limits, a_cancellation_always_has_room) {
  loop_options narrow = options();
  narrow.io.operations_max = 4;
  narrow.io.queue_entries = 4;
  reopen(narrow);
  const connection pair = connect_pair(transport::local);
  std::deque<receive> receiving;
  for (int count = 0; count < 40; ++count) start(receiving.emplace_back(pair.ours.get(), 1));
  turn();
  for (receive& each : receiving) each.cancel();
  for (const receive& each : receiving) {
    ASSERT_TRUE(finish(each));
    EXPECT_EQ(each.results, std::vector{-ECANCELED});
  }
}

TEST_P(contract_limits, a_full_submission_queue_delays_and_loses_nothing) {
  loop_options shallow = options();
  shallow.io.queue_entries = 8;
  reopen(shallow);
  many_nops all(on(), 1000);
  ASSERT_TRUE(wait_for([&] { return all.order.size() == 1000; }));
  EXPECT_EQ(all.order, first_numbers(1000));
}

TEST_P(contract_limits, a_full_completion_queue_delays_and_loses_nothing) {
  loop_options small = options();
  small.completion_capacity = 4;
  small.phase_budget = 3;
  reopen(small);
  many_nops all(on(), 500);
  ASSERT_TRUE(wait_for([&] { return all.order.size() == 500; }));
  EXPECT_EQ(all.order, first_numbers(500));

  const connection pair = connect_pair(transport::tcp);
  const std::string text = pattern(1u << 20);
  receive_many receiving(pair.ours.get());
  start(receiving);
  std::size_t sent = 0;
  ASSERT_TRUE(wait_for([&] {
    while (sent < text.size() && sent - receiving.received.size() < 100'000) {
      send_text(pair.theirs.get(), text.substr(sent, 1000));
      sent += std::min<std::size_t>(1000, text.size() - sent);
    }
    return receiving.received.size() == text.size();
  }));
  EXPECT_TRUE(receiving.received == text);
}

TEST_P(contract_limits, what_is_parked_may_be_cancelled_twice_while_no_completion_finds_room) {
  loop_options small = options();
  small.io.operations_max = 1;
  small.completion_capacity = 1;
  reopen(small);
  const connection pair = connect_pair(transport::tcp);
  receive active(pair.ours.get(), 10);
  std::deque<receive> parked;
  start(active);
  for (int i = 0; i < 4; ++i) start(parked.emplace_back(pair.ours.get(), 10));
  for (int i = 0; i < 2; ++i)
    for (receive& each : parked) each.cancel();
  active.cancel();
  ASSERT_TRUE(wait_for([&] { return on().outstanding() == 0; }));
  for (const receive& each : parked) EXPECT_EQ(each.results, std::vector{-ECANCELED});
}

/// The other end of every bound: slow, and nothing is missing.
TEST_P(contract_limits, all_at_their_least_still_carry_a_stream) {
  loop_options least = options();
  least.io.operations_max = 2; // a receive, and what its peer sends
  least.io.queue_entries = 1;
  least.io.ring_slots = 1;
  least.io.quantum_bytes = 1;
  least.buffers.slot_bytes = 4096;
  least.buffers.budget_bytes = 4096;
  least.completion_capacity = 1;
  least.inbox_max = 1;
  least.phase_budget = 1;
  least.turn_budget_ns = 1;
  reopen(least);
  const connection pair = connect_pair(transport::tcp);
  const std::string text = pattern(300'000);
  receive_many receiving(pair.ours.get());
  send sending(pair.theirs.get(), text);
  std::size_t sent = 0;
  sending.then = [&] {
    sent += static_cast<std::size_t>(sending.result());
    if (sent == text.size()) return;
    sending.buffer = std::as_bytes(std::span(text)).subspan(sent);
    start(sending);
  };
  bool is_due = false, is_posted = false;
  call_later timer([&] { is_due = true; });
  task_of_work posted([&] { is_posted = true; });
  start(receiving, sending);
  on().arm(timer, 0);
  ASSERT_TRUE(on().post(posted));
  ASSERT_TRUE(wait_for([&] { return receiving.received.size() == text.size() && is_due && is_posted; }));
  EXPECT_TRUE(receiving.received == text);
}

/// Twenty operations wait on each of five hundred sockets; then all become ready at once.
TEST_P(contract_limits, ten_thousand_operations_at_once) {
  constexpr std::size_t pairs_count = 250, on_each = 20;
  std::deque<connection> pairs;
  std::deque<poll> polls;
  for (std::size_t index = 0; index < pairs_count; ++index) {
    connection& pair = pairs.emplace_back(connect_pair(transport::local));
    for (std::size_t count = 0; count < on_each; ++count)
      for (const int socket : {pair.ours.get(), pair.theirs.get()})
        start(polls.emplace_back(socket, static_cast<std::uint32_t>(POLLIN)));
  }
  turn();
  turn();
  ASSERT_EQ(on().outstanding(), 10'000u);
  EXPECT_EQ(on().counters().completions, 0u);
  for (const connection& pair : pairs) {
    send_text(pair.ours.get(), "x");
    send_text(pair.theirs.get(), "y");
  }
  ASSERT_TRUE(wait_for([&] { return on().outstanding() == 0; }));
  EXPECT_EQ(on().counters().completions, 10'000u);
  EXPECT_TRUE(
      std::all_of(polls.begin(), polls.end(), [](const poll& each) { return each.result() == POLLIN; }));
}

TEST_P(contract_limits, ten_thousand_operations_cancelled_at_once) {
  const connection pair = connect_pair(transport::local);
  std::deque<poll> polls;
  for (int count = 0; count < 10'000; ++count)
    start(polls.emplace_back(pair.ours.get(), static_cast<std::uint32_t>(POLLIN)));
  turn();
  for (poll& each : polls) each.cancel();
  ASSERT_TRUE(wait_for([&] { return on().outstanding() == 0; }));
  EXPECT_TRUE(std::all_of(polls.begin(), polls.end(),
                          [](const poll& each) { return each.results == std::vector{-ECANCELED}; }));
}

TEST_P(contract_limits, many_sockets_receive_at_once) {
  constexpr std::size_t count = 300;
  std::deque<connection> pairs;
  std::deque<receive_many> receiving;
  std::size_t heard = 0;
  for (std::size_t index = 0; index < count; ++index) {
    pairs.push_back(connect_pair(transport::local));
    receiving.emplace_back(pairs.back().ours.get()).then = [&] { ++heard; };
    start(receiving.back());
  }
  for (std::size_t round = 1; round <= 5; ++round) {
    for (std::size_t index = 0; index < count; ++index)
      send_text(pairs[index].theirs.get(), std::to_string(index) + ".");
    ASSERT_TRUE(wait_for([&] { return heard == round * count; }));
  }
  for (std::size_t index = 0; index < count; ++index) {
    std::string expected;
    for (int round = 0; round < 5; ++round) expected += std::to_string(index) + ".";
    EXPECT_EQ(receiving[index].received, expected);
  }
}

TEST_P(contract_limits, the_list_of_what_is_outstanding_says_what_where_and_how) {
  const connection pair = connect_pair(transport::local);
  receive first(pair.ours.get(), 1);
  poll second(pair.theirs.get(), POLLIN);
  const unsigned line = std::source_location::current().line() + 1;
  first.start(on());
  second.start(on());
  turn();
  const std::string text = on().dump();
  EXPECT_LT(text.find("receive"), text.find("poll")) << "oldest first:\n" << text;
  for (const std::string& part :
       {std::string("contract_limits_test.cpp:") + std::to_string(line), std::string("submitted"),
        " " + std::to_string(pair.ours.get()) + " ", " " + std::to_string(pair.theirs.get()) + " "})
    EXPECT_NE(text.find(part), std::string::npos) << part << " is missing in\n" << text;
  std::vector<const operation*> listed;
  on().for_each_outstanding([&](const operation& op) { listed.push_back(&op); });
  EXPECT_EQ(listed, (std::vector<const operation*>{&first, &second}));
}

TEST_P(contract_limits, a_loop_that_ends_with_operations_outstanding_says_which) {
  const auto end_too_early = [this] {
    const connection pair = connect_pair(transport::local);
    receive_operation never_ends(pair.ours.get(), {}, [](operation&, completion&&) noexcept {});
    poll_operation neither(pair.ours.get(), POLLIN, [](operation&, completion&&) noexcept {});
    auto made = create_loop(options());
    (*made)->start(never_ends);
    (*made)->start(neither);
    (*made)->turn(0);
    made->reset();
  };
  EXPECT_DEATH(end_too_early(), "receive.*contract_limits_test.cpp");
  EXPECT_DEATH(end_too_early(), "poll.*contract_limits_test.cpp");
}

using contract_quantum = contract;

TEST_P(contract_quantum, bounds_what_one_stream_reads_in_a_turn) {
  loop_options small = options();
  small.buffers.slot_bytes = 4096;
  small.io.quantum_bytes = 16384;
  reopen(small);
  const connection pair = connect_pair(transport::local);
  const std::size_t filled = fill(pair.theirs.get());
  ASSERT_GT(filled, 100'000u);
  receive_many receiving(pair.ours.get());
  start(receiving);
  std::uint64_t before = on().counters().bytes_received; // a speculative read does not wait for the turn
  while (receiving.received.size() < filled) {
    turn();
    const std::uint64_t now = on().counters().bytes_received;
    ASSERT_LE(now - before, small.io.quantum_bytes);
    before = now;
  }
}

INSTANTIATE_TEST_SUITE_P(backends, contract_limits, each_backend(), name_of_backend);
INSTANTIATE_TEST_SUITE_P(backends, contract_quantum, each_reactor(), name_of_backend);

} // namespace
} // namespace weir::test
