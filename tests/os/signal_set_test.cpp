// Signals that a coroutine waits for. What could end this process is tried in children.
#include <weir/async/sleep.hpp>
#include <weir/os/signal_set.hpp>

#include <support/child.hpp>
#include <support/coroutine_fixture.hpp>
#include <unistd.h>

#include <csignal>
#include <future>
#include <string>
#include <thread>

namespace weir::test {
namespace {

signal_set opened(std::initializer_list<int> numbers) {
  result<signal_set> made = signal_set::open(numbers);
  EXPECT_TRUE(made) << made.error().message();
  return std::move(*made);
}

bool is_blocked(int number) {
  sigset_t mask;
  ::pthread_sigmask(SIG_BLOCK, nullptr, &mask);
  return sigismember(&mask, number) == 1;
}

/// As others send it: what is for one thread alone (raise(3)) not every system tells to a set.
void send_to_process(int number) {
  ::kill(::getpid(), number);
}

class signal_set_test : public backend_test {
 protected:
  signal_notice next_of(signal_set& wanted) {
    result<signal_notice> told = run(wanted.next());
    EXPECT_TRUE(told);
    return told.value_or(signal_notice());
  }
};

TEST_P(signal_set_test, each_is_told_once) {
  signal_set wanted = opened({SIGINT, SIGTERM});
  send_to_process(SIGTERM);
  send_to_process(SIGINT);
  const int first = next_of(wanted).number;
  const int second = next_of(wanted).number;
  EXPECT_EQ(first + second, SIGTERM + SIGINT);
  EXPECT_NE(first, second);
}

TEST_P(signal_set_test, tells_who_sent_it) {
  signal_set wanted = opened({SIGUSR1});
  send_to_process(SIGUSR1);
  const signal_notice told = next_of(wanted);
  EXPECT_EQ(told.number, SIGUSR1);
  EXPECT_EQ(told.code, SI_USER);
  EXPECT_EQ(told.sender, ::getpid());
  EXPECT_EQ(told.sender_user, ::getuid());
  EXPECT_EQ(told.count, 1u);
}

TEST_P(signal_set_test, those_of_one_number_that_nobody_took_are_one) {
  signal_set wanted = opened({SIGUSR1, SIGUSR2});
  for (int i = 0; i < 5; ++i) send_to_process(SIGUSR1);
  EXPECT_EQ(next_of(wanted).number, SIGUSR1);
  send_to_process(SIGUSR2);
  EXPECT_EQ(next_of(wanted).number, SIGUSR2);
  send_to_process(SIGUSR1);
  EXPECT_EQ(next_of(wanted).count, 2u);
}

TEST_P(signal_set_test, real_time_signals_are_told_one_by_one) {
  signal_set wanted = opened({SIGRTMIN});
  for (int i = 0; i < 3; ++i) send_to_process(SIGRTMIN);
  for (std::uint32_t i = 1; i <= 3; ++i) EXPECT_EQ(next_of(wanted).count, i);
}

TEST_P(signal_set_test, one_that_comes_while_somebody_waits_wakes_it) {
  signal_set wanted = opened({SIGTERM});
  run([&]() -> task<> {
    auto raise_later = [&]() -> task<> {
      co_await turns(3);
      send_to_process(SIGTERM);
    };
    auto [told, raised] = co_await when_all(wanted.next(), raise_later());
    EXPECT_TRUE(told && told->number == SIGTERM);
  });
}

TEST_P(signal_set_test, a_cancelled_wait_takes_none) {
  signal_set wanted = opened({SIGTERM});
  run([&]() -> task<> {
    result<signal_notice> late = co_await with_deadline(1ms, wanted.next());
    EXPECT_TRUE(!late && late.error().is_timeout());
    send_to_process(SIGTERM);
    result<signal_notice> told = co_await wanted.next();
    EXPECT_TRUE(told && told->number == SIGTERM);
  });
}

TEST_P(signal_set_test, each_goes_to_one_of_those_who_wait) {
  signal_set first = opened({SIGUSR1});
  signal_set second = opened({SIGUSR1});
  run([&]() -> task<> {
    int told = 0;
    auto wait_on = [&](signal_set& wanted) -> task<> {
      result<signal_notice> one = co_await with_deadline(20ms, wanted.next());
      told += one.has_value();
    };
    auto raise_later = [&]() -> task<> {
      co_await turns(3);
      send_to_process(SIGUSR1);
    };
    co_await when_all(wait_on(first), wait_on(first), wait_on(second), raise_later());
    EXPECT_EQ(told, 1);
  });
}

TEST_P(signal_set_test, moves) {
  signal_set first = opened({SIGUSR1});
  signal_set second = std::move(first);
  send_to_process(SIGUSR1);
  EXPECT_EQ(next_of(second).number, SIGUSR1);
}

TEST(signal_set, unblocks_when_the_last_one_goes) {
  {
    signal_set first = opened({SIGUSR1});
    {
      signal_set second = opened({SIGUSR1, SIGUSR2});
      EXPECT_TRUE(is_blocked(SIGUSR1) && is_blocked(SIGUSR2));
    }
    EXPECT_TRUE(is_blocked(SIGUSR1));
    EXPECT_FALSE(is_blocked(SIGUSR2));
  }
  EXPECT_FALSE(is_blocked(SIGUSR1));
}

TEST(signal_set, leaves_blocked_and_pending_what_was_blocked_before) {
  const std::string seen = in_child([] {
    sigset_t mask;
    sigemptyset(&mask);
    sigaddset(&mask, SIGUSR1);
    ::pthread_sigmask(SIG_BLOCK, &mask, nullptr);
    {
      signal_set wanted = opened({SIGUSR1});
      send_to_process(SIGUSR1);
    }
    sigset_t pending;
    ::sigpending(&pending);
    return std::string(is_blocked(SIGUSR1) && sigismember(&pending, SIGUSR1) == 1 ? "as before" : "changed");
  });
  EXPECT_EQ(seen, "as before");
}

TEST(signal_set, leaves_pending_what_a_set_of_another_thread_wants) {
  const std::string seen = in_child([] {
    std::promise<void> is_open;
    std::promise<void> may_go;
    std::thread other([&] {
      signal_set wanted = opened({SIGUSR1});
      is_open.set_value();
      may_go.get_future().wait();
    });
    is_open.get_future().wait();
    signal_set wanted = opened({SIGUSR1});
    send_to_process(SIGUSR1);
    may_go.set_value();
    other.join();
    sigset_t pending;
    ::sigpending(&pending);
    return std::string(sigismember(&pending, SIGUSR1) == 1 ? "pending" : "lost");
  });
  EXPECT_EQ(seen, "pending");
}

TEST(signal_set, unblocks_at_last_what_it_left_blocked_for_another_thread) {
  std::promise<void> may_go;
  std::promise<void> is_open;
  std::thread other([&] {
    signal_set wanted = opened({SIGUSR1});
    is_open.set_value();
    may_go.get_future().wait();
  });
  is_open.get_future().wait();
  {
    signal_set wanted = opened({SIGUSR1});
  }
  EXPECT_TRUE(is_blocked(SIGUSR1));
  may_go.set_value();
  other.join();
  {
    signal_set wanted = opened({SIGUSR1});
  }
  EXPECT_FALSE(is_blocked(SIGUSR1));
}

TEST(signal_set, of_what_is_no_signal_is_refused) {
  result<signal_set> refused = signal_set::open({SIGTERM, 1000});
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error(), errc::invalid_argument);
  EXPECT_FALSE(is_blocked(SIGTERM));
}

TEST(signal_set, one_that_nobody_took_does_not_end_the_process_afterwards) {
  const std::string seen = in_child([] {
    {
      signal_set wanted = opened({SIGTERM});
      send_to_process(SIGTERM);
    }
    return std::string("alive");
  });
  EXPECT_EQ(seen, "alive");
}

TEST(signal_set, afterwards_they_do_what_they_did_before) {
  const std::string seen = in_child([] {
    {
      signal_set wanted = opened({SIGTERM});
    }
    send_to_process(SIGTERM);
    return std::string("alive");
  });
  EXPECT_EQ(seen, "the child ended with status 15: ");
}

INSTANTIATE_TEST_SUITE_P(backends, signal_set_test, on_each_backend(), name_of_backend);

} // namespace
} // namespace weir::test
