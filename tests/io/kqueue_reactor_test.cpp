#include "reactor_rig.hpp"

#include <weir/io/kqueue_backend.hpp>
#include <weir/io/kqueue_reactor.hpp>

#include <fcntl.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <support/descriptors.hpp>
#include <support/sockets.hpp>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <set>
#include <thread>
#include <vector>

namespace weir::test {
namespace {

class kqueue_reactor_test : public reactor_rig<kqueue_reactor> {
 protected:
  static constexpr std::uint64_t second_ns = 1'000'000'000;
  static constexpr std::uint64_t millisecond_ns = 1'000'000;

  connection pair = connect_pair(transport::local);
  const int ours = pair.ours.get();
};

TEST_F(kqueue_reactor_test, reports_what_is_readable_for_as_long_as_it_is) {
  ASSERT_EQ(demultiplexer->watch(ours, readiness::readable), 0);
  EXPECT_EQ(ready(ours), readiness::none);
  send_text(pair.theirs.get(), "ab");
  EXPECT_EQ(ready(ours), readiness::readable);
  EXPECT_EQ(ready(ours), readiness::readable);
  EXPECT_EQ(read_text(ours, 2), "ab");
  EXPECT_EQ(ready(ours), readiness::none);
}

TEST_F(kqueue_reactor_test, replaces_the_interest) {
  send_text(pair.theirs.get(), "x");
  ASSERT_EQ(demultiplexer->watch(ours, readiness::readable | readiness::writable), 0);
  EXPECT_EQ(ready(ours), readiness::readable | readiness::writable);
  ASSERT_EQ(demultiplexer->watch(ours, readiness::writable), 0);
  EXPECT_EQ(ready(ours), readiness::writable);
  ASSERT_EQ(demultiplexer->watch(ours, readiness::none), 0);
  EXPECT_EQ(ready(ours), readiness::none);
  ASSERT_EQ(demultiplexer->watch(ours, readiness::none), 0) << "twice is once";
}

TEST_F(kqueue_reactor_test, makes_one_event_of_what_is_reported_for_one_descriptor) {
  send_text(pair.theirs.get(), "x");
  const readiness both = readiness::readable | readiness::writable;
  ASSERT_EQ(demultiplexer->watch(ours, both), 0);
  ASSERT_EQ(demultiplexer->watch(pair.theirs.get(), both), 0);
  for (int waits = 0; waits < 2; ++waits) {
    const auto events = demultiplexer->wait(0);
    ASSERT_EQ(events.size(), 2u);
    for (const ready_event& event : events)
      EXPECT_EQ(event.events, event.descriptor == ours ? both : readiness::writable);
  }
}

TEST_F(kqueue_reactor_test, refuses_urgent_data_alone_where_there_is_no_filter_for_it) {
  const int watched = demultiplexer->watch(ours, readiness::priority);
  if (watched == 0) GTEST_SKIP() << "there is one";
  EXPECT_EQ(watched, -EOPNOTSUPP);
  send_text(pair.theirs.get(), "x");
  ASSERT_EQ(demultiplexer->watch(ours, readiness::priority | readiness::readable), 0);
  EXPECT_EQ(ready(ours), readiness::readable);
}

// --- ends ---

TEST_F(kqueue_reactor_test, tells_the_end_of_one_direction_only_where_it_is_asked_for) {
  ASSERT_EQ(demultiplexer->watch(ours, readiness::readable), 0);
  ASSERT_EQ(::shutdown(pair.theirs.get(), SHUT_WR), 0);
  EXPECT_EQ(ready(ours), readiness::readable);
  ASSERT_EQ(demultiplexer->watch(ours, readiness::hangup), 0);
  EXPECT_EQ(ready(ours), readiness::hangup);
}

TEST_F(kqueue_reactor_test, waits_for_an_end_beside_unread_bytes) {
  send_text(pair.theirs.get(), "unread");
  ASSERT_EQ(demultiplexer->watch(ours, readiness::hangup), 0);
  EXPECT_EQ(ready(ours), readiness::none);
  EXPECT_GE(longest_wait_ns(5 * millisecond_ns), 5 * millisecond_ns) << "the bytes end the waits";
  ASSERT_EQ(::shutdown(pair.theirs.get(), SHUT_WR), 0);
  EXPECT_EQ(ready(ours), readiness::hangup);
  EXPECT_EQ(ready(ours), readiness::hangup) << "for as long as it is so";
  ASSERT_EQ(demultiplexer->watch(ours, readiness::none), 0);
  EXPECT_EQ(ready(ours), readiness::none);
}

TEST_F(kqueue_reactor_test, reports_hangup_and_failure_unasked) {
  ASSERT_EQ(demultiplexer->watch(ours, readiness::writable), 0);
  pair.theirs.reset();
  EXPECT_EQ(ready(ours), readiness::writable | readiness::hangup);
  ASSERT_EQ(demultiplexer->watch(ours, readiness::readable), 0);
  EXPECT_EQ(ready(ours), readiness::readable | readiness::hangup);
  connection tcp = connect_pair(transport::tcp);
  ASSERT_EQ(demultiplexer->watch(tcp.ours.get(), readiness::readable), 0);
  reset(tcp);
  EXPECT_EQ(ready(tcp.ours.get()), readiness::readable | readiness::failed | readiness::hangup);
}

// --- which descriptors ---

TEST_F(kqueue_reactor_test, says_what_cannot_be_watched) {
  descriptor file(::open("/proc/self/exe", O_RDONLY | O_CLOEXEC));
  EXPECT_EQ(demultiplexer->watch(file.get(), readiness::readable), -EPERM);
  descriptor directory(::open("/", O_RDONLY | O_CLOEXEC | O_DIRECTORY));
  EXPECT_EQ(demultiplexer->watch(directory.get(), readiness::readable), -EPERM);
  const int number = pair.theirs.get();
  pair.theirs.reset();
  EXPECT_EQ(demultiplexer->watch(number, readiness::readable), -EBADF);
  EXPECT_EQ(demultiplexer->watch(-1, readiness::readable), -EBADF);
}

TEST_F(kqueue_reactor_test, reports_all_that_are_ready_within_a_few_waits) {
  std::vector<connection> many;
  std::set<int> expected, found;
  for (int i = 0; i < 300; ++i) {
    const int number = many.emplace_back(connect_pair(transport::local)).ours.get();
    ASSERT_EQ(demultiplexer->watch(number, readiness::writable), 0);
    expected.insert(number);
  }
  for (int waits = 0; waits < 4; ++waits)
    for (const ready_event& event : demultiplexer->wait(0)) found.insert(event.descriptor);
  EXPECT_EQ(found, expected);
}

TEST_F(kqueue_reactor_test, watches_a_number_anew_that_was_closed_and_given_to_another_file) {
  ASSERT_EQ(demultiplexer->watch(ours, readiness::readable | readiness::writable), 0);
  connection next = connect_pair(transport::local);
  ASSERT_EQ(::dup3(next.ours.get(), ours, O_CLOEXEC), ours); // closes what the number was before
  next.ours.reset();
  ASSERT_EQ(demultiplexer->watch(ours, readiness::readable), 0);
  send_text(next.theirs.get(), "x");
  EXPECT_EQ(ready(ours), readiness::readable);
}

TEST_F(kqueue_reactor_test, forgets_a_number_that_was_given_to_a_regular_file) {
  ASSERT_EQ(demultiplexer->watch(ours, readiness::readable), 0);
  descriptor file(::open("/proc/self/exe", O_RDONLY | O_CLOEXEC));
  ASSERT_EQ(::dup3(file.get(), ours, O_CLOEXEC), ours);
  EXPECT_EQ(demultiplexer->watch(ours, readiness::readable), -EPERM);
  EXPECT_EQ(ready(ours), readiness::none);
}

TEST_F(kqueue_reactor_test, counts_its_system_calls) {
  const std::uint64_t before = counters.system_calls;
  demultiplexer->watch(ours, readiness::readable);
  demultiplexer->watch(ours, readiness::writable);
  EXPECT_EQ(counters.system_calls - before, 4u) << "each asks what it is, and changes all filters at once";
  demultiplexer->watch(ours, readiness::none);
  demultiplexer->watch(ours, readiness::none); // nothing to take away: no call
  EXPECT_EQ(counters.system_calls - before, 5u);
  demultiplexer->wait(0);
  demultiplexer->wait(1);
  EXPECT_EQ(counters.system_calls - before, 7u);
  EXPECT_EQ(counters.waits, 2u);
}

// --- time ---

TEST_F(kqueue_reactor_test, waits_no_shorter_than_asked) {
  for (const std::uint64_t timeout_ns : {std::uint64_t{1}, std::uint64_t{200'000}, 3 * millisecond_ns + 1})
    EXPECT_GE(longest_wait_ns(timeout_ns), timeout_ns);
}

// --- waking ---

TEST_F(kqueue_reactor_test, is_woken_from_another_thread) {
  for (const std::uint64_t timeout_ns :
       {10 * second_ns, std::uint64_t{3'000'000'000} * second_ns, reactor::no_timeout}) {
    const std::uint64_t woken = counters.wakes;
    std::thread waker([this] { demultiplexer->wake(); });
    while (counters.wakes == woken) demultiplexer->wait(timeout_ns);
    waker.join();
  }
  EXPECT_EQ(counters.wakes, 3u);
}

TEST_F(kqueue_reactor_test, makes_one_wake_up_of_those_that_come_together) {
  const std::uint64_t before = counters.system_calls;
  for (int i = 0; i < 100; ++i) demultiplexer->wake();
  EXPECT_LT(duration_of_wait_ns(10 * second_ns), 5 * second_ns);
  EXPECT_EQ(counters.wakes, 1u);
  EXPECT_EQ(counters.system_calls - before, 2u) << "the wait and one trigger";
  EXPECT_GE(longest_wait_ns(millisecond_ns), millisecond_ns) << "a wake-up ends one wait";
  demultiplexer->wake();
  EXPECT_LT(duration_of_wait_ns(10 * second_ns), 5 * second_ns);
  EXPECT_EQ(counters.wakes, 2u);
}

TEST_F(kqueue_reactor_test, loses_no_wake_up_and_hands_over_what_the_waker_wrote) {
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
    EXPECT_EQ(written, round);
    seen.store(round, std::memory_order_release);
  }
  waker.join();
}

TEST_F(kqueue_reactor_test, is_woken_by_a_signal_handler_that_leaves_errno_alone) {
  static kqueue_reactor* woken_by_signal = nullptr; // the handler cannot capture
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

TEST_F(kqueue_reactor_test, returns_empty_when_a_signal_interrupts_it) {
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

TEST(kqueue_reactor_creation, fails_without_descriptors_and_leaks_none) {
  loop_counters counters;
  const std::size_t open = open_descriptors();
  descriptor_limit limit(0);
  const auto made = kqueue_reactor::create(counters);
  limit.lift();
  ASSERT_FALSE(made);
  EXPECT_EQ(made.error(), std::errc::too_many_files_open);
  EXPECT_STREQ(made.error().operation(), "kqueue");
  EXPECT_EQ(open_descriptors(), open);
}

TEST(kqueue_backend_test, is_what_a_loop_can_be_made_with) {
  const auto made = loop::create(loop_options{}, kqueue_backend);
  ASSERT_TRUE(made) << made.error().message();
  EXPECT_EQ((*made)->backend().name(), "kqueue");
  EXPECT_EQ((*made)->backend().execution_of(operation_kind::receive), execution::readiness);
}

} // namespace
} // namespace weir::test
