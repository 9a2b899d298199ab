// Signals of a simulated host, as its kernel has them. The suite of signal_set runs on it besides.
#include "sim_rig.hpp"

#include <poll.h>
#include <sys/signalfd.h>

#include <csignal>
#include <initializer_list>
#include <vector>

namespace weir::sim {
namespace {

sigset_t set_of(std::initializer_list<int> numbers) {
  sigset_t set;
  sigemptyset(&set);
  for (const int number : numbers) sigaddset(&set, number);
  return set;
}

class signals_test : public weir::test::sim_rig {
 protected:
  descriptor opened(std::initializer_list<int> numbers) {
    return descriptor(server().calls().signalfd(-1, set_of(numbers), SFD_CLOEXEC | SFD_NONBLOCK));
  }
  /// Of one read that has room for four.
  std::vector<int> told(const descriptor& from) {
    signalfd_siginfo records[4]{};
    const ssize_t bytes = server().calls().read(from.get(), records, sizeof records);
    std::vector<int> numbers;
    for (std::size_t i = 0; bytes > 0 && i < static_cast<std::size_t>(bytes) / sizeof records[0]; ++i)
      numbers.push_back(static_cast<int>(records[i].ssi_signo));
    return numbers;
  }
  bool is_ready(const descriptor& which) {
    pollfd watched{which.get(), POLLIN, 0};
    return server().calls().poll(&watched, 1, 0) == 1;
  }
  void close(descriptor& which) { server().calls().close(which.release()); }
};
using numbers = std::vector<int>;

TEST_F(signals_test, are_told_lowest_first_and_once_below_the_queued_ones) {
  descriptor all = opened({SIGHUP, SIGTERM, SIGRTMIN});
  EXPECT_FALSE(is_ready(all));
  for (const int number : {SIGRTMIN, SIGTERM, SIGHUP, SIGTERM, SIGRTMIN}) EXPECT_TRUE(server().raise(number));
  EXPECT_TRUE(is_ready(all));
  EXPECT_EQ(told(all), (numbers{SIGHUP, SIGTERM, SIGRTMIN, SIGRTMIN}));
  EXPECT_EQ(told(all), numbers{});
  EXPECT_EQ(errno, EAGAIN);
  close(all);
}

TEST_F(signals_test, that_nobody_names_are_lost) {
  EXPECT_FALSE(server().raise(SIGTERM));
  EXPECT_FALSE(server().raise(0));
  EXPECT_FALSE(server().raise(65));
  descriptor one = opened({SIGHUP});
  EXPECT_FALSE(server().raise(SIGTERM));
  EXPECT_FALSE(is_ready(one));
  close(one);
}

TEST_F(signals_test, go_to_whoever_reads_first) {
  descriptor one = opened({SIGHUP});
  descriptor other = opened({SIGHUP, SIGUSR1});
  EXPECT_TRUE(server().raise(SIGHUP));
  EXPECT_TRUE(is_ready(one) && is_ready(other));
  EXPECT_EQ(told(other), numbers{SIGHUP});
  EXPECT_FALSE(is_ready(one));
  close(one);
  close(other);
}

TEST_F(signals_test, are_dropped_with_the_last_who_names_them) {
  descriptor one = opened({SIGHUP, SIGUSR1});
  descriptor other = opened({SIGHUP});
  EXPECT_TRUE(server().raise(SIGHUP));
  EXPECT_TRUE(server().raise(SIGUSR1));
  close(one);
  one = opened({SIGUSR1});
  EXPECT_FALSE(is_ready(one)) << "nobody named it in between";
  EXPECT_TRUE(is_ready(other));
  close(one);
  close(other);
}

TEST_F(signals_test, queue_up_to_their_bound) {
  descriptor one = opened({SIGRTMIN});
  for (std::uint32_t i = 0; i < signals::queued_max; ++i) EXPECT_TRUE(server().raise(SIGRTMIN));
  EXPECT_FALSE(server().raise(SIGRTMIN));
  close(one);
}

TEST_F(signals_test, of_a_host_that_is_down_are_lost) {
  server().crash();
  EXPECT_FALSE(server().raise(SIGTERM));
}

TEST_F(signals_test, are_read_whole) {
  descriptor one = opened({SIGHUP});
  EXPECT_TRUE(server().raise(SIGHUP));
  char too_small[16];
  EXPECT_EQ(server().calls().read(one.get(), too_small, sizeof too_small), -1);
  EXPECT_EQ(errno, EINVAL);
  close(one);
}

} // namespace
} // namespace weir::sim
