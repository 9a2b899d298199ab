#include "reactor_rig.hpp"

#include <weir/io/epoll_reactor.hpp>

#include <fcntl.h>
#include <gtest/gtest.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <support/descriptors.hpp>
#include <support/sockets.hpp>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <filesystem>
#include <fstream>
#include <string>
#include <thread>

namespace weir::test {
namespace {

class epoll_reactor_test : public reactor_rig {
 protected:
  void SetUp() override { open(make_reactor<epoll_reactor>); }
};

TEST_F(epoll_reactor_test, reports_urgent_data) {
  connection tcp = connect_pair(transport::tcp);
  ASSERT_EQ(demultiplexer->watch(tcp.ours.get(), readiness::priority), 0);
  ASSERT_EQ(::send(tcp.theirs.get(), "!", 1, MSG_OOB), 1);
  EXPECT_EQ(ready(tcp.ours.get()), readiness::priority);
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

TEST_F(epoll_reactor_test, sees_no_ghost_of_a_closed_descriptor_whose_duplicate_lives) {
  send_text(pair.theirs.get(), "unread");
  ASSERT_EQ(demultiplexer->watch(ours, readiness::readable), 0);
  const descriptor duplicate(::dup(ours));
  pair.ours.reset();
  EXPECT_EQ(ready(ours), readiness::readable) << "the kernel still reports the closed number";
  ASSERT_EQ(demultiplexer->watch(ours, readiness::none), 0);
  EXPECT_EQ(ready(ours), readiness::none);
  EXPECT_GE(longest_wait_ns(5 * millisecond_ns), 5 * millisecond_ns) << "a ghost ends the waits";
}

TEST_F(epoll_reactor_test, tells_a_ghost_from_the_next_file_with_its_number) {
  send_text(pair.theirs.get(), "unread");
  ASSERT_EQ(demultiplexer->watch(ours, readiness::readable), 0);
  const descriptor duplicate(::dup(ours));
  connection next = connect_pair(transport::local);
  ASSERT_EQ(::dup3(next.ours.get(), ours, O_CLOEXEC), ours);
  ASSERT_EQ(demultiplexer->watch(ours, readiness::readable), 0);
  EXPECT_EQ(ready(ours), readiness::none) << "the old file is readable, the new one is not";
  EXPECT_GE(longest_wait_ns(5 * millisecond_ns), 5 * millisecond_ns);
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
  EXPECT_LT(duration_of_wait_ns(10 * second_ns), 5 * second_ns);
  EXPECT_EQ(counters.wakes, 1u);
}

// --- time ---

TEST_F(epoll_reactor_test, waits_in_milliseconds_where_the_kernel_knows_no_finer_time) {
  std::thread on_an_old_kernel([this] { // a filter holds for its thread (seccomp(2))
    std::array<sock_filter, 4> program = {{BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, nr)),
                                           BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_epoll_pwait2, 0, 1),
                                           BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | ENOSYS),
                                           BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW)}};
    const sock_fprog filter{program.size(), program.data()};
    ASSERT_EQ(::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0), 0);
    ASSERT_EQ(::prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &filter), 0);
    EXPECT_GE(duration_of_wait_ns(millisecond_ns + 1), millisecond_ns + 1);
    EXPECT_EQ(counters.system_calls, 3u) << "one for the wake event, one refused, one in its place";
    EXPECT_GE(duration_of_wait_ns(900'000), 900'000u);
    EXPECT_EQ(counters.system_calls, 4u) << "the refused call is not tried again";
    demultiplexer->watch(ours, readiness::writable);
    EXPECT_EQ(demultiplexer->wait(second_ns).size(), 1u);
  });
  on_an_old_kernel.join();
}

// --- waking ---

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

INSTANTIATE_TEST_SUITE_P(epoll, reactor_test, testing::Values(make_reactor<epoll_reactor>));

} // namespace
} // namespace weir::test
