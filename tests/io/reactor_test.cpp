// What every reactor does: reporting, time and waking. What is one's own is tested beside it.
#include "reactor_rig.hpp"

#include <fcntl.h>
#include <pthread.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <csignal>
#include <set>
#include <thread>
#include <vector>

namespace weir::test {
namespace {

TEST_P(reactor_test, reports_what_is_readable_for_as_long_as_it_is) {
  ASSERT_EQ(demultiplexer->watch(ours, readiness::readable), 0);
  EXPECT_EQ(ready(ours), readiness::none);
  send_text(pair.theirs.get(), "ab");
  EXPECT_EQ(ready(ours), readiness::readable);
  EXPECT_EQ(ready(ours), readiness::readable);
  EXPECT_EQ(read_text(ours, 2), "ab");
  EXPECT_EQ(ready(ours), readiness::none);
}

TEST_P(reactor_test, replaces_the_interest) {
  send_text(pair.theirs.get(), "x");
  ASSERT_EQ(demultiplexer->watch(ours, readiness::readable | readiness::writable), 0);
  EXPECT_EQ(ready(ours), readiness::readable | readiness::writable);
  ASSERT_EQ(demultiplexer->watch(ours, readiness::writable), 0);
  EXPECT_EQ(ready(ours), readiness::writable);
  ASSERT_EQ(demultiplexer->watch(ours, readiness::none), 0);
  EXPECT_EQ(ready(ours), readiness::none);
  ASSERT_EQ(demultiplexer->watch(ours, readiness::none), 0) << "twice is once";
}

TEST_P(reactor_test, tells_the_end_of_one_direction_only_where_it_is_asked_for) {
  ASSERT_EQ(demultiplexer->watch(ours, readiness::readable), 0);
  ASSERT_EQ(::shutdown(pair.theirs.get(), SHUT_WR), 0);
  EXPECT_EQ(ready(ours), readiness::readable);
  ASSERT_EQ(demultiplexer->watch(ours, readiness::hangup), 0);
  EXPECT_EQ(ready(ours), readiness::hangup);
}

TEST_P(reactor_test, reports_all_that_are_ready_within_a_few_waits) {
  std::vector<connection> many;
  std::set<int> expected, found;
  for (int i = 0; i < 600; ++i) {
    const int number = many.emplace_back(connect_pair(transport::local)).ours.get();
    ASSERT_EQ(demultiplexer->watch(number, readiness::writable), 0);
    expected.insert(number);
  }
  for (int waits = 0; waits < 4; ++waits)
    for (const ready_event& event : demultiplexer->wait(0)) found.insert(event.descriptor);
  EXPECT_EQ(found, expected);
}

TEST_P(reactor_test, watches_a_number_anew_that_was_closed_and_given_to_another_file) {
  ASSERT_EQ(demultiplexer->watch(ours, readiness::readable | readiness::writable), 0);
  connection next = connect_pair(transport::local);
  ASSERT_EQ(::dup3(next.ours.get(), ours, O_CLOEXEC), ours); // closes what the number was before
  next.ours.reset();
  ASSERT_EQ(demultiplexer->watch(ours, readiness::readable), 0);
  send_text(next.theirs.get(), "x");
  EXPECT_EQ(ready(ours), readiness::readable);
}

// --- time ---

TEST_P(reactor_test, waits_no_shorter_than_asked) {
  for (const std::uint64_t timeout_ns : {std::uint64_t{1}, std::uint64_t{200'000}, 3 * millisecond_ns + 1})
    EXPECT_GE(longest_wait_ns(timeout_ns), timeout_ns);
}

// --- waking ---

TEST_P(reactor_test, is_woken_from_another_thread) {
  for (const std::uint64_t timeout_ns :
       {10 * second_ns, std::uint64_t{3'000'000'000} * second_ns, reactor::no_timeout}) {
    const std::uint64_t woken = counters.wakes;
    std::thread waker([this] { demultiplexer->wake(); });
    while (counters.wakes == woken) demultiplexer->wait(timeout_ns);
    waker.join();
  }
  EXPECT_EQ(counters.wakes, 3u);
}

TEST_P(reactor_test, makes_one_wake_up_of_those_that_come_together) {
  const std::uint64_t before = counters.system_calls;
  for (int i = 0; i < 100; ++i) demultiplexer->wake();
  EXPECT_LT(duration_of_wait_ns(10 * second_ns), 5 * second_ns);
  EXPECT_EQ(counters.wakes, 1u);
  EXPECT_EQ(counters.system_calls - before, 2u) << "the wait and one call";
  EXPECT_GE(duration_of_wait_ns(millisecond_ns), millisecond_ns) << "a wake-up ends one wait";
  demultiplexer->wake();
  EXPECT_LT(duration_of_wait_ns(10 * second_ns), 5 * second_ns);
  EXPECT_EQ(counters.wakes, 2u);
}

TEST_P(reactor_test, loses_no_wake_up_and_hands_over_what_the_waker_wrote) {
  constexpr int rounds = 5'000;
  std::atomic<int> seen{0};
  int written = 0; // handed over by wake alone, and back by `seen`
  std::thread waker([&] {
    for (int round = 1; round <= rounds; ++round) {
      written = round;
      demultiplexer->wake();
      while (seen.load(std::memory_order_acquire) < round) std::this_thread::yield();
    }
  });
  for (int round = 1; round <= rounds; ++round) {
    const std::uint64_t woken = counters.wakes;
    while (counters.wakes == woken) demultiplexer->wait(10 * second_ns);
    ASSERT_EQ(written, round);
    seen.store(round, std::memory_order_release);
  }
  waker.join();
}

TEST_P(reactor_test, is_woken_by_a_signal_handler_that_leaves_errno_alone) {
  static reactor* woken_by_signal = nullptr; // the handler cannot capture
  woken_by_signal = demultiplexer.get();
  struct sigaction action{}, before{};
  action.sa_handler = [](int) { woken_by_signal->wake(); };
  ASSERT_EQ(::sigaction(SIGUSR2, &action, &before), 0);
  errno = EXDEV;
  std::raise(SIGUSR2);
  EXPECT_EQ(errno, EXDEV);
  EXPECT_LT(duration_of_wait_ns(10 * second_ns), 5 * second_ns);
  EXPECT_EQ(counters.wakes, 1u);
  ::sigaction(SIGUSR2, &before, nullptr);
}

TEST_P(reactor_test, returns_empty_when_a_signal_interrupts_it) {
  struct sigaction action{}, before{};
  action.sa_handler = [](int) {};
  ASSERT_EQ(::sigaction(SIGUSR2, &action, &before), 0);
  std::atomic<bool> has_returned{false};
  std::thread interrupter([&has_returned, waiting = ::pthread_self()] {
    while (!has_returned) {
      ::pthread_kill(waiting, SIGUSR2);
      std::this_thread::yield();
    }
  });
  EXPECT_TRUE(demultiplexer->wait(reactor::no_timeout).empty());
  has_returned = true;
  interrupter.join();
  ::sigaction(SIGUSR2, &before, nullptr);
}

} // namespace
} // namespace weir::test
