// What is particular to the uring_proactor: how few system calls it makes, what it does at its bounds, and
// that it leaves nothing behind. What it shares with every backend is in contract_*_test.cpp.
#include "uring_rig.hpp"

#include <weir/io/uring_proactor.hpp>

#include <fcntl.h>
#include <signal.h>
#include <support/child.hpp>
#include <support/descriptors.hpp>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <deque>
#include <filesystem>
#include <fstream>
#include <thread>

namespace weir::test {
namespace {

using uring_proactor_test = uring_rig;

std::size_t shared_mappings() {
  std::ifstream maps("/proc/self/maps");
  std::size_t count = 0;
  for (std::string line; std::getline(maps, line);)
    if (line.find("[io_uring]") != std::string::npos) ++count;
  return count;
}

/// Lets a test retire an operation that no loop dispatched.
struct retirement : proactor {
  static void of(operation& op) { state_of(op) = operation_state::idle; }
};

// --- system calls ---

TEST_F(uring_proactor_test, looks_without_a_system_call_while_there_is_nothing) {
  ASSERT_NO_FATAL_FAILURE(open(options()));
  const connection pair = connect_pair(transport::tcp);
  receive waiting(pair.ours.get(), 10);
  start(waiting);
  turn();
  EXPECT_EQ(calls_of([&] {
              for (int i = 0; i < 100; ++i) turn();
              for (int i = 0; i < 100; ++i) on().backend().poll();
            }),
            0u);
  send_text(pair.theirs.get(), "seen");
  ASSERT_TRUE(finish(waiting));
  EXPECT_EQ(waiting.text(), "seen");
}

TEST_F(uring_proactor_test, submits_a_turn_and_waits_in_one_system_call) {
  ASSERT_NO_FATAL_FAILURE(open(options()));
  turn();
  std::deque<nop> many(100);
  for (nop& each : many) start(each);
  EXPECT_EQ(calls_of([&] { on().turn(); }), 1u);
  EXPECT_EQ(calls_of([&] { turn(); }), 0u);
  for (const nop& each : many) EXPECT_TRUE(each.is_done());
}

TEST_F(uring_proactor_test, is_woken_once_by_many_wake_ups) {
  ASSERT_NO_FATAL_FAILURE(open(options()));
  for (std::uint64_t round = 1; round <= 3; ++round) {
    std::thread([&] {
      for (int i = 0; i < 50; ++i) on().wake();
    }).join();
    on().turn();
    turn();
    EXPECT_EQ(counters().wakes, round);
  }
}

TEST_F(uring_proactor_test, is_woken_from_a_signal_handler) {
  ASSERT_NO_FATAL_FAILURE(open(options()));
  static proactor* woken_by_signal = nullptr; // the handler cannot capture
  woken_by_signal = &on().backend();
  struct sigaction action{};
  action.sa_handler = [](int) { woken_by_signal->wake(); };
  struct sigaction before{};
  ASSERT_EQ(::sigaction(SIGUSR1, &action, &before), 0);
  ::raise(SIGUSR1);
  on().turn();
  EXPECT_EQ(counters().wakes, 1u);
  ::sigaction(SIGUSR1, &before, nullptr);
}

TEST_F(uring_proactor_test, shuts_down_behind_the_sends_of_the_same_turn) {
  ASSERT_NO_FATAL_FAILURE(open(options()));
  const connection pair = connect_pair(transport::tcp);
  send last_words(pair.ours.get(), "last words");
  shutdown end(pair.ours.get(), SHUT_WR);
  turn();
  EXPECT_EQ(calls_of([&] {
              start(last_words, end);
              turn();
            }),
            2u);
  ASSERT_TRUE(finish(last_words, end));
  EXPECT_EQ(last_words.result(), 10);
  EXPECT_EQ(end.result(), 0);
  EXPECT_EQ(read_to_end(pair.theirs.get()), "last words");
}

TEST_F(uring_proactor_test, does_not_sleep_before_a_shutdown) {
  ASSERT_NO_FATAL_FAILURE(open(options()));
  const connection pair = connect_pair(transport::tcp);
  shutdown end(pair.ours.get(), SHUT_WR);
  start(end);
  on().turn();
  EXPECT_EQ(end.state(), operation_state::completed);
  turn();
}

// --- bounds ---

TEST_F(uring_proactor_test, parks_what_its_submission_queue_has_no_room_for) {
  loop_options few = options();
  few.io.queue_entries = 2;
  ASSERT_NO_FATAL_FAILURE(open(few));
  std::deque<nop> many(100);
  for (nop& each : many) start(each);
  EXPECT_GE(counters().operations_parked, 97u);
  ASSERT_TRUE(wait_for([&] { return many.back().is_done(); }));
  for (const nop& each : many) EXPECT_TRUE(each.is_done());
}

TEST_F(uring_proactor_test, closes_although_as_many_operations_as_may_be_are_in_flight) {
  loop_options few = options();
  few.io.operations_max = 2;
  ASSERT_NO_FATAL_FAILURE(open(few));
  const connection first = connect_pair(transport::tcp);
  const connection second = connect_pair(transport::tcp);
  connection third = connect_pair(transport::tcp);
  receive_many one(first.ours.get());
  receive_many two(second.ours.get());
  nop parked;
  start(one, two, parked);
  close closing(third.ours.release());
  ASSERT_TRUE(run(closing));
  EXPECT_EQ(closing.result(), 0);
  EXPECT_EQ(parked.state(), operation_state::parked);
  one.cancel();
  ASSERT_TRUE(finish(one, parked));
}

TEST_F(uring_proactor_test, has_room_for_every_cancellation) {
  loop_options few = options();
  few.io.queue_entries = 1;
  ASSERT_NO_FATAL_FAILURE(open(few));
  std::vector<connection> pairs;
  std::deque<receive> waiting;
  for (int i = 0; i < 50; ++i) {
    pairs.push_back(connect_pair(transport::local));
    start(waiting.emplace_back(pairs.back().ours.get(), 10));
  }
  turn();
  for (receive& each : waiting) each.cancel();
  ASSERT_TRUE(wait_for([&] { return waiting.back().is_done(); }));
  for (const receive& each : waiting) EXPECT_EQ(each.result(), -ECANCELED);
}

TEST_F(uring_proactor_test, keeps_in_the_kernel_what_the_completion_queue_has_no_room_for) {
  loop_options few = options();
  few.completion_capacity = 1;
  ASSERT_NO_FATAL_FAILURE(open(few));
  const connection pair = connect_pair(transport::tcp);
  receive_many incoming(pair.ours.get());
  std::deque<nop> many(20);
  start(incoming);
  for (nop& each : many) start(each);
  const std::string all = pattern(300'000);
  std::jthread peer([&] {
    send_text(pair.theirs.get(), all);
    ::shutdown(pair.theirs.get(), SHUT_WR);
  });
  ASSERT_TRUE(wait_for([&] { return incoming.is_done() && many.back().is_done(); }));
  EXPECT_TRUE(incoming.received == all);
  for (const nop& each : many) EXPECT_TRUE(each.is_done());
}

TEST_F(uring_proactor_test, keeps_the_ends_that_the_completion_queue_has_no_room_for) {
  loop_options few = options();
  few.completion_capacity = 1;
  few.io.operations_max = 1;
  ASSERT_NO_FATAL_FAILURE(open(few));
  const connection pair = connect_pair(transport::tcp);
  receive in_flight(pair.ours.get(), 10);
  std::deque<nop> parked(10);
  start(in_flight);
  for (nop& each : parked) start(each);
  for (nop& each : parked) each.cancel();
  ASSERT_TRUE(wait_for([&] { return parked.back().is_done(); }));
  for (const nop& each : parked) EXPECT_EQ(each.results, std::vector{-ECANCELED});
  in_flight.cancel();
  nop after;
  ASSERT_TRUE(run(after)); // they gave back no place that they had not taken
}

TEST_F(uring_proactor_test, owes_a_completed_operation_nothing_more) {
  loop_options few = options();
  few.completion_capacity = 1; // so that what is owed is not all taken in one turn
  ASSERT_NO_FATAL_FAILURE(open(few));
  nop again;
  for (int round = 0; round < 10; ++round) {
    start(again);
    again.cancel();
    ASSERT_TRUE(finish(again));
    EXPECT_EQ(again.result(), 0);
  }
  EXPECT_EQ(calls_of([&] { turn(); }), 0u);
}

TEST_F(uring_proactor_test, loses_nothing_when_the_kernels_completion_queue_overflows) {
  loop_options few = options();
  few.io.operations_max = 1;
  few.io.queue_entries = 1; // and so two completions
  few.buffers.slot_bytes = 4096;
  few.io.ring_slots = 64;
  few.io.allowed.remove(capability::bundles);
  ASSERT_NO_FATAL_FAILURE(open(few));
  const connection pair = connect_pair(transport::local);
  receive_many incoming(pair.ours.get());
  start(incoming);
  turn();
  const std::string all = pattern(150'000);
  send_text(pair.theirs.get(), all);
  ::shutdown(pair.theirs.get(), SHUT_WR);
  ASSERT_TRUE(finish(incoming));
  EXPECT_TRUE(incoming.received == all);
  EXPECT_EQ(incoming.result(), 0);
}

// --- zero-copy ---

TEST_F(uring_proactor_test, sends_with_a_copy_where_the_socket_cannot_do_without) {
  ASSERT_NO_FATAL_FAILURE(open(options()));
  const connection pair = connect_pair(transport::local);
  send whole(pair.ours.get(), pattern(10'000), true);
  for (int round = 0; round < 2; ++round) {
    ASSERT_TRUE(run(whole));
    EXPECT_EQ(whole.result(), 10'000);
    EXPECT_EQ(read_text(pair.theirs.get(), 10'000), whole.content);
  }
}

TEST_F(uring_proactor_test, completes_a_zero_copy_send_only_when_the_memory_is_free) {
  ASSERT_NO_FATAL_FAILURE(open(options()));
  if (!has(capability::send_zero_copy)) GTEST_SKIP() << "this kernel has no zero-copy send";
  const connection pair = connect_pair(transport::tcp);
  send whole(pair.ours.get(), pattern(50'000), true);
  start(whole);
  turn();
  whole.cancel(); // the result is known: it must not be lost, nor the memory be given back early
  ASSERT_TRUE(wait_for([&] { return read_available(pair.theirs.get()).size() > 0 || whole.is_done(); }));
  ASSERT_TRUE(finish(whole));
  EXPECT_GT(whole.result(), 0);
}

// --- what it leaves behind ---

TEST_F(uring_proactor_test, gives_all_slots_back) {
  completion_queue completed;
  buffer_pool pool;
  loop_counters counted;
  auto made = uring_proactor::create(completed, pool, counted);
  if (!made) GTEST_SKIP() << made.error().message();
  (*made)->wait(0);
  if ((*made)->capabilities().has(capability::provided_buffers)) {
    EXPECT_EQ(pool.slots_in_use(), 16u);
  }
  made->reset();
  EXPECT_EQ(pool.slots_in_use(), 0u);
}

TEST_F(uring_proactor_test, lets_the_kernel_write_nowhere_once_it_is_gone) {
  const auto ignore = [](operation&, completion&&) noexcept {};
  for (int round = 0; round < 20; ++round) {
    completion_queue completed;
    buffer_pool pool;
    loop_counters counted;
    auto made = uring_proactor::create(completed, pool, counted);
    if (!made) GTEST_SKIP() << made.error().message();
    const connection pair = connect_pair(transport::local);
    std::array<std::byte, 100> memory{};
    receive_operation into_memory(pair.ours.get(), memory, ignore);
    (*made)->start(into_memory);
    (*made)->wait(0);
    made->reset();
    retirement::of(into_memory);
    send_text(pair.theirs.get(), "late");
    EXPECT_EQ(unread_bytes(pair.ours.get()), 4u);
    EXPECT_EQ(memory.front(), std::byte{0});
  }
}

TEST_F(uring_proactor_test, is_not_inherited_by_a_child) {
  ASSERT_NO_FATAL_FAILURE(open(options()));
  turn();
  EXPECT_GT(shared_mappings(), 0u);
  EXPECT_EQ(in_child([] { return std::to_string(shared_mappings()); }), "0");
}

TEST_F(uring_proactor_test, closes_its_descriptors_on_exec) {
  ASSERT_NO_FATAL_FAILURE(open(options()));
  int checked = 0;
  for (const auto& entry : std::filesystem::directory_iterator("/proc/self/fd")) {
    const std::string target = std::filesystem::read_symlink(entry).string();
    if (target.find("[io_uring]") == std::string::npos && target.find("[eventfd]") == std::string::npos)
      continue;
    const int number = std::stoi(entry.path().filename().string());
    EXPECT_NE(::fcntl(number, F_GETFD) & FD_CLOEXEC, 0) << target;
    ++checked;
  }
  EXPECT_GE(checked, 2);
}

// --- capabilities ---

TEST_F(uring_proactor_test, works_with_whatever_capabilities_are_left_to_it) {
  for (std::uint32_t bits = 0; bits <= capability_mask::all().bits(); ++bits) {
    loop_options masked = options();
    masked.io.allowed = capability_mask(bits);
    ASSERT_NO_FATAL_FAILURE(loop_fixture::open({"masked", backend::io_uring, masked.io.allowed, {}}, masked));
    SCOPED_TRACE(on().backend().capabilities().to_string());
    const connection pair = connect_pair(transport::tcp);
    receive_many incoming(pair.ours.get());
    send outgoing(pair.ours.get(), "and back", true);
    send_text(pair.theirs.get(), "there");
    start(incoming, outgoing);
    ASSERT_TRUE(wait_for([&] { return incoming.received == "there"; }));
    ASSERT_TRUE(finish(outgoing));
    EXPECT_EQ(read_text(pair.theirs.get(), 8), "and back");
    incoming.cancel();
    ASSERT_TRUE(finish(incoming));
    EXPECT_EQ(incoming.result(), -ECANCELED);
  }
}

TEST_F(uring_proactor_test, tells_how_it_carries_operations_out) {
  ASSERT_NO_FATAL_FAILURE(open(options()));
  EXPECT_EQ(on().backend().execution_of(operation_kind::send), execution::kernel);
  EXPECT_EQ(on().backend().execution_of(operation_kind::shutdown), execution::inline_);
  EXPECT_EQ(on().backend().execution_of(operation_kind::receive_message_many), execution::kernel);
  EXPECT_EQ(on().backend().execution_of(operation_kind::send_messages), execution::readiness);
  loop_options own_buffers = options();
  own_buffers.io.allowed.remove(capability::provided_buffers);
  ASSERT_NO_FATAL_FAILURE(open(own_buffers));
  EXPECT_EQ(on().backend().execution_of(operation_kind::receive_many), execution::readiness);
  EXPECT_EQ(on().backend().execution_of(operation_kind::receive_message_many), execution::readiness);
}

} // namespace
} // namespace weir::test
