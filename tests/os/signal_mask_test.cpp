// Signals of POSIX that a coroutine waits for: who sent them, and what is blocked before, meanwhile and
// afterwards.
#include "signals_of_test.hpp"

#include <support/child.hpp>
#include <unistd.h>

#include <csignal>
#include <future>
#include <string>
#include <thread>

namespace weir::test {
namespace {

bool is_blocked(int number) {
  sigset_t mask;
  ::pthread_sigmask(SIG_BLOCK, nullptr, &mask);
  return sigismember(&mask, number) == 1;
}

using signal_mask_test = signals_test;

TEST_P(signal_mask_test, tells_who_sent_it) {
  signal_set wanted = opened_set_of({SIGUSR1});
  ::kill(::getpid(), SIGUSR1);
  const signal_notice told = next_of(wanted);
  EXPECT_EQ(told.number, SIGUSR1);
  EXPECT_EQ(told.code, SI_USER);
  EXPECT_EQ(told.sender, ::getpid());
  EXPECT_EQ(told.sender_user, ::getuid());
  EXPECT_EQ(told.count, 1u);
}

TEST_P(signal_mask_test, real_time_signals_are_told_one_by_one) {
  signal_set wanted = opened_set_of({SIGRTMIN});
  for (int i = 0; i < 3; ++i) ::kill(::getpid(), SIGRTMIN);
  for (std::uint32_t i = 1; i <= 3; ++i) EXPECT_EQ(next_of(wanted).count, i);
}

TEST(signal_mask, unblocks_when_the_last_one_goes) {
  {
    signal_set first = opened_set_of({SIGUSR1});
    {
      signal_set second = opened_set_of({SIGUSR1, SIGUSR2});
      EXPECT_TRUE(is_blocked(SIGUSR1) && is_blocked(SIGUSR2));
    }
    EXPECT_TRUE(is_blocked(SIGUSR1));
    EXPECT_FALSE(is_blocked(SIGUSR2));
  }
  EXPECT_FALSE(is_blocked(SIGUSR1));
}

TEST(signal_mask, leaves_blocked_and_pending_what_was_blocked_before) {
  const std::string seen = in_child([] {
    sigset_t mask;
    sigemptyset(&mask);
    sigaddset(&mask, SIGUSR1);
    ::pthread_sigmask(SIG_BLOCK, &mask, nullptr);
    {
      signal_set wanted = opened_set_of({SIGUSR1});
      ::kill(::getpid(), SIGUSR1);
    }
    sigset_t pending;
    ::sigpending(&pending);
    return std::string(is_blocked(SIGUSR1) && sigismember(&pending, SIGUSR1) == 1 ? "as before" : "changed");
  });
  EXPECT_EQ(seen, "as before");
}

TEST(signal_mask, leaves_pending_what_a_set_of_another_thread_wants) {
  const std::string seen = in_child([] {
    std::promise<void> is_open;
    std::promise<void> may_go;
    std::thread other([&] {
      signal_set wanted = opened_set_of({SIGUSR1});
      is_open.set_value();
      may_go.get_future().wait();
    });
    is_open.get_future().wait();
    signal_set wanted = opened_set_of({SIGUSR1});
    ::kill(::getpid(), SIGUSR1);
    may_go.set_value();
    other.join();
    sigset_t pending;
    ::sigpending(&pending);
    return std::string(sigismember(&pending, SIGUSR1) == 1 ? "pending" : "lost");
  });
  EXPECT_EQ(seen, "pending");
}

TEST(signal_mask, unblocks_at_last_what_it_left_blocked_for_another_thread) {
  std::promise<void> may_go;
  std::promise<void> is_open;
  std::thread other([&] {
    signal_set wanted = opened_set_of({SIGUSR1});
    is_open.set_value();
    may_go.get_future().wait();
  });
  is_open.get_future().wait();
  {
    signal_set wanted = opened_set_of({SIGUSR1});
  }
  EXPECT_TRUE(is_blocked(SIGUSR1));
  may_go.set_value();
  other.join();
  {
    signal_set wanted = opened_set_of({SIGUSR1});
  }
  EXPECT_FALSE(is_blocked(SIGUSR1));
}

INSTANTIATE_TEST_SUITE_P(backends, signal_mask_test, on_each_real_backend(), name_of_backend);

} // namespace
} // namespace weir::test
