#include "reactor_rig.hpp"

#include <weir/io/epoll_reactor.hpp>

#include <fcntl.h>
#include <gtest/gtest.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <poll.h>
#include <support/descriptors.hpp>
#include <support/sockets.hpp>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <csignal>
#include <filesystem>
#include <fstream>
#include <set>
#include <string>
#include <thread>
#include <vector>

namespace weir::test {
namespace {

constexpr std::uint64_t a_second_ns = 1'000'000'000;
constexpr std::uint64_t a_millisecond_ns = 1'000'000;

class epoll_reactor_test : public reactor_rig<epoll_reactor> {
 protected:
  connection pair = connect_pair(transport::local);
  const int ours = pair.ours.get();
};

TEST_F(epoll_reactor_test, reports_what_is_readable_for_as_long_as_it_is) {
  ASSERT_EQ(demultiplexer->watch(ours, readiness::readable), 0);
  EXPECT_EQ(ready(ours), readiness::none);
  send_text(pair.theirs.get(), "ab");
  EXPECT_EQ(ready(ours), readiness::readable);
  EXPECT_EQ(ready(ours), readiness::readable);
  EXPECT_EQ(read_text(ours, 2), "ab");
  EXPECT_EQ(ready(ours), readiness::none);
}

TEST_F(epoll_reactor_test, replaces_the_interest) {
  send_text(pair.theirs.get(), "x");
  ASSERT_EQ(demultiplexer->watch(ours, readiness::readable | readiness::writable), 0);
  EXPECT_EQ(ready(ours), readiness::readable | readiness::writable);
  ASSERT_EQ(demultiplexer->watch(ours, readiness::writable), 0);
  EXPECT_EQ(ready(ours), readiness::writable);
  ASSERT_EQ(demultiplexer->watch(ours, readiness::none), 0);
  EXPECT_EQ(ready(ours), readiness::none);
  ASSERT_EQ(demultiplexer->watch(ours, readiness::none), 0) << "twice is once";
}

TEST_F(epoll_reactor_test, reports_urgent_data) {
  connection tcp = connect_pair(transport::tcp);
  ASSERT_EQ(demultiplexer->watch(tcp.ours.get(), readiness::priority), 0);
  ASSERT_EQ(::send(tcp.theirs.get(), "!", 1, MSG_OOB), 1);
  EXPECT_EQ(ready(tcp.ours.get()), readiness::priority);
}

TEST_F(epoll_reactor_test, tells_the_end_of_one_direction_only_where_it_is_asked_for) {
  ASSERT_EQ(demultiplexer->watch(ours, readiness::readable), 0);
  ASSERT_EQ(::shutdown(pair.theirs.get(), SHUT_WR), 0);
  EXPECT_EQ(ready(ours), readiness::readable);
  ASSERT_EQ(demultiplexer->watch(ours, readiness::hangup), 0);
  EXPECT_EQ(ready(ours), readiness::hangup);
}

TEST_F(epoll_reactor_test, reports_hangup_and_failure_unasked) {
  ASSERT_EQ(demultiplexer->watch(ours, readiness::priority), 0);
  pair.theirs.reset();
  EXPECT_EQ(ready(ours), readiness::hangup);
  connection tcp = connect_pair(transport::tcp);
  ASSERT_EQ(demultiplexer->watch(tcp.ours.get(), readiness::priority), 0);
  reset(tcp);
  EXPECT_EQ(ready(tcp.ours.get()), readiness::failed | readiness::hangup);
}

TEST_F(epoll_reactor_test, says_what_cannot_be_watched) {
  descriptor file(::open("/proc/self/exe", O_RDONLY | O_CLOEXEC));
  EXPECT_EQ(demultiplexer->watch(file.get(), readiness::readable), -EPERM);
  const int number = pair.theirs.get();
  pair.theirs.reset();
  EXPECT_EQ(demultiplexer->watch(number, readiness::readable), -EBADF);
  EXPECT_EQ(demultiplexer->watch(-1, readiness::readable), -EBADF);
}

TEST_F(epoll_reactor_test, reports_more_descriptors_than_one_call_can_carry) {
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

TEST_F(epoll_reactor_test, counts_its_system_calls) {
  const std::uint64_t before = counters.system_calls;
  demultiplexer->watch(ours, readiness::readable);
  demultiplexer->watch(ours, readiness::writable);
  demultiplexer->watch(ours, readiness::none);
  demultiplexer->watch(ours, readiness::none); // nothing to take away: no call
  EXPECT_EQ(counters.system_calls - before, 3u);
  demultiplexer->wait(0);
  demultiplexer->wait(1);
  EXPECT_EQ(counters.system_calls - before, 5u);
  EXPECT_EQ(counters.waits, 2u);
}

// --- descriptors closed elsewhere ---

TEST_F(epoll_reactor_test, watches_a_number_anew_that_was_closed_and_given_to_another_file) {
  ASSERT_EQ(demultiplexer->watch(ours, readiness::readable), 0);
  connection next = connect_pair(transport::local);
  ASSERT_EQ(::dup3(next.ours.get(), ours, O_CLOEXEC), ours); // closes what the number was before
  next.ours.reset();
  ASSERT_EQ(demultiplexer->watch(ours, readiness::readable), 0);
  send_text(next.theirs.get(), "x");
  EXPECT_EQ(ready(ours), readiness::readable);
}

TEST_F(epoll_reactor_test, sees_no_ghost_of_a_closed_descriptor_whose_duplicate_lives) {
  send_text(pair.theirs.get(), "unread");
  ASSERT_EQ(demultiplexer->watch(ours, readiness::readable), 0);
  const descriptor duplicate(::dup(ours));
  pair.ours.reset();
  EXPECT_EQ(ready(ours), readiness::readable) << "the kernel still reports the closed number";
  ASSERT_EQ(demultiplexer->watch(ours, readiness::none), 0);
  EXPECT_EQ(ready(ours), readiness::none);
  EXPECT_GE(longest_wait_ns(5 * a_millisecond_ns), 5 * a_millisecond_ns) << "a ghost ends the waits";
}

TEST_F(epoll_reactor_test, tells_a_ghost_from_the_next_file_with_its_number) {
  send_text(pair.theirs.get(), "unread");
  ASSERT_EQ(demultiplexer->watch(ours, readiness::readable), 0);
  const descriptor duplicate(::dup(ours));
  connection next = connect_pair(transport::local);
  ASSERT_EQ(::dup3(next.ours.get(), ours, O_CLOEXEC), ours);
  ASSERT_EQ(demultiplexer->watch(ours, readiness::readable), 0);
  EXPECT_EQ(ready(ours), readiness::none) << "the old file is readable, the new one is not";
  EXPECT_GE(longest_wait_ns(5 * a_millisecond_ns), 5 * a_millisecond_ns);
  send_text(next.theirs.get(), "x");
  EXPECT_EQ(ready(ours), readiness::readable) << "it is still watched";
}

TEST_F(epoll_reactor_test, can_be_woken_after_a_ghost) {
  send_text(pair.theirs.get(), "unread");
  ASSERT_EQ(demultiplexer->watch(ours, readiness::readable), 0);
  const descriptor duplicate(::dup(ours));
  pair.ours.reset();
  ASSERT_EQ(demultiplexer->watch(ours, readiness::none), 0);
  demultiplexer->wait(0);
  demultiplexer->wake();
  EXPECT_LT(duration_of_wait_ns(10 * a_second_ns), 5 * a_second_ns);
  EXPECT_EQ(counters.wakes, 1u);
}

// --- time ---

TEST_F(epoll_reactor_test, waits_no_shorter_than_asked) {
  for (const std::uint64_t timeout_ns : {std::uint64_t{1}, std::uint64_t{200'000}, 3 * a_millisecond_ns + 1})
    EXPECT_GE(longest_wait_ns(timeout_ns), timeout_ns);
}

TEST_F(epoll_reactor_test, waits_in_milliseconds_where_the_kernel_knows_no_finer_time) {
  std::thread on_an_old_kernel([this] { // a filter holds for its thread (seccomp(2))
    std::array<sock_filter, 4> program = {{BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, nr)),
                                           BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_epoll_pwait2, 0, 1),
                                           BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | ENOSYS),
                                           BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW)}};
    const sock_fprog filter{program.size(), program.data()};
    ASSERT_EQ(::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0), 0);
    ASSERT_EQ(::prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &filter), 0);
    EXPECT_GE(duration_of_wait_ns(a_millisecond_ns + 1), a_millisecond_ns + 1);
    EXPECT_EQ(counters.system_calls, 3u) << "one for the wake event, one refused, one in its place";
    EXPECT_GE(duration_of_wait_ns(900'000), 900'000u);
    EXPECT_EQ(counters.system_calls, 4u) << "the refused call is not tried again";
    demultiplexer->watch(ours, readiness::writable);
    EXPECT_EQ(demultiplexer->wait(a_second_ns).size(), 1u);
  });
  on_an_old_kernel.join();
}

// --- waking ---

TEST_F(epoll_reactor_test, is_woken_from_another_thread) {
  std::thread waker([this] { demultiplexer->wake(); });
  EXPECT_LT(duration_of_wait_ns(10 * a_second_ns), 5 * a_second_ns);
  waker.join();
  EXPECT_EQ(counters.wakes, 1u);
}

TEST_F(epoll_reactor_test, makes_one_wake_up_of_those_that_come_together) {
  const std::uint64_t before = counters.system_calls;
  for (int i = 0; i < 100; ++i) demultiplexer->wake();
  EXPECT_LT(duration_of_wait_ns(10 * a_second_ns), 5 * a_second_ns);
  EXPECT_EQ(counters.wakes, 1u);
  EXPECT_EQ(counters.system_calls - before, 2u) << "the wait and one write";
  EXPECT_GE(duration_of_wait_ns(a_millisecond_ns), a_millisecond_ns) << "a wake-up ends one wait";
  demultiplexer->wake();
  EXPECT_LT(duration_of_wait_ns(10 * a_second_ns), 5 * a_second_ns);
  EXPECT_EQ(counters.wakes, 2u);
}

TEST_F(epoll_reactor_test, loses_no_wake_up_and_hands_over_what_the_waker_wrote) {
  constexpr int rounds = 20'000;
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
    while (counters.wakes == woken) demultiplexer->wait(10 * a_second_ns);
    ASSERT_EQ(written, round);
    seen.store(round, std::memory_order_release);
  }
  waker.join();
}

/// What was ever written to the eventfds of this process: nobody reads ours (proc_pid_fdinfo(5)).
std::uint64_t sum_of_eventfds() {
  std::uint64_t sum = 0;
  for (const auto& entry : std::filesystem::directory_iterator("/proc/self/fdinfo")) {
    std::ifstream info(entry.path());
    for (std::string word; info >> word;)
      if (word == "eventfd-count:" && info >> word) sum += std::stoull(word, nullptr, 16);
  }
  return sum;
}

TEST_F(epoll_reactor_test, writes_once_for_wake_ups_that_come_together) {
  const std::uint64_t before = sum_of_eventfds();
  for (int i = 0; i < 100; ++i) demultiplexer->wake();
  EXPECT_EQ(sum_of_eventfds() - before, 1u);
}

TEST_F(epoll_reactor_test, is_woken_by_a_signal_handler_that_leaves_errno_alone) {
  static epoll_reactor* woken_by_signal = nullptr; // the handler cannot capture
  woken_by_signal = demultiplexer.get();
  struct sigaction action{}, before{};
  action.sa_handler = [](int) { woken_by_signal->wake(); };
  ASSERT_EQ(::sigaction(SIGUSR2, &action, &before), 0);
  errno = EXDEV;
  std::raise(SIGUSR2);
  EXPECT_EQ(errno, EXDEV);
  EXPECT_LT(duration_of_wait_ns(10 * a_second_ns), 5 * a_second_ns);
  EXPECT_EQ(counters.wakes, 1u);
  ::sigaction(SIGUSR2, &before, nullptr);
}

TEST_F(epoll_reactor_test, returns_empty_when_a_signal_interrupts_it) {
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

TEST(epoll_reactor_creation, fails_without_descriptors_and_leaks_none) {
  loop_counters counters;
  const std::size_t open = open_descriptors();
  for (std::size_t more : {0u, 1u}) {
    descriptor_limit limit(more);
    const auto made = epoll_reactor::create(counters);
    limit.lift();
    ASSERT_FALSE(made);
    EXPECT_EQ(made.error(), std::errc::too_many_files_open);
    EXPECT_STREQ(made.error().operation(), more == 0 ? "epoll_create1" : "eventfd");
  }
  EXPECT_EQ(open_descriptors(), open);
}

} // namespace
} // namespace weir::test
