// Signals that a coroutine waits for. What could end this process is tried in children.
#include "child_of_test.hpp"
#include "signals_of_test.hpp"

#include <support/processes.hpp>
#include <support/simulation.hpp>

#include <csignal>
#include <string>

namespace weir::test {
namespace {

class signal_set_test : public signals_test {
 protected:
  /// To this process, or to that of the simulated host.
  static void send(int number) {
    if (simulated_host* const at = simulated_host::current())
      EXPECT_TRUE(at->raise(number));
    else
      send_to_this_process(number);
  }

  std::string skipped_; ///< why
};

using signal_set_of_child_test = signal_set_test;

TEST_P(signal_set_test, each_is_told_once) {
  signal_set wanted = opened_set_of({SIGINT, SIGTERM});
  send(SIGTERM);
  send(SIGINT);
  const int first = next_of(wanted).number;
  const int second = next_of(wanted).number;
  EXPECT_EQ(first + second, SIGTERM + SIGINT);
  EXPECT_NE(first, second);
}

TEST_P(signal_set_test, those_of_one_number_that_nobody_took_are_one) {
  signal_set wanted = opened_set_of({SIGTERM, SIGINT});
  for (int i = 0; i < 5; ++i) send(SIGTERM);
  EXPECT_EQ(next_of(wanted).number, SIGTERM);
  send(SIGINT);
  EXPECT_EQ(next_of(wanted).number, SIGINT);
  send(SIGTERM);
  EXPECT_EQ(next_of(wanted).count, 2u);
}

TEST_P(signal_set_test, one_that_comes_while_somebody_waits_wakes_it) {
  signal_set wanted = opened_set_of({SIGTERM});
  run([&]() -> task<> {
    auto raise_later = [&]() -> task<> {
      co_await turns(3);
      send(SIGTERM);
    };
    auto [told, raised] = co_await when_all(wanted.next(), raise_later());
    EXPECT_TRUE(told && told->number == SIGTERM);
  });
}

TEST_P(signal_set_test, a_cancelled_wait_takes_none) {
  signal_set wanted = opened_set_of({SIGTERM});
  run([&]() -> task<> {
    result<signal_notice> late = co_await with_deadline(1ms, wanted.next());
    EXPECT_TRUE(!late && late.error().is_timeout());
    send(SIGTERM);
    result<signal_notice> told = co_await wanted.next();
    EXPECT_TRUE(told && told->number == SIGTERM);
  });
}

TEST_P(signal_set_test, each_goes_to_one_of_those_who_wait) {
  signal_set first = opened_set_of({SIGTERM});
  signal_set second = opened_set_of({SIGTERM});
  run([&]() -> task<> {
    cancellation scope;
    int told = 0;
    auto wait_on = [&](signal_set& wanted) -> task<> {
      result<signal_notice> one = co_await wanted.next().under(&scope);
      told += one.has_value();
    };
    auto raise_later = [&]() -> task<> {
      co_await turns(3);
      send(SIGTERM);
      co_await until([&] { return told > 0; });
      co_await turns(3);
      scope.request();
    };
    co_await when_all(wait_on(first), wait_on(first), wait_on(second), raise_later());
    EXPECT_EQ(told, 1);
  });
}

TEST_P(signal_set_test, moves) {
  signal_set first = opened_set_of({SIGTERM});
  signal_set second = std::move(first);
  send(SIGTERM);
  EXPECT_EQ(next_of(second).number, SIGTERM);
}

TEST(signal_set, of_what_is_no_signal_is_refused) {
  result<signal_set> refused = signal_set::open({SIGTERM, 1000});
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error(), errc::invalid_argument);
}

TEST_P(signal_set_test, that_is_opened_while_one_is_pending_may_take_it) {
  signal_set first = opened_set_of({SIGTERM});
  send(SIGTERM);
  signal_set second = opened_set_of({SIGTERM, SIGINT});
  EXPECT_EQ(next_of(second).number, SIGTERM);
}

TEST_P(signal_set_of_child_test, of_what_the_system_interrupts_with) {
  run([&]() -> task<> {
    process child = spawned(child_that({"interrupted"}));
    const std::string text = co_await read_to_end(child.output());
    result<exit_status> end = co_await child.wait();
    EXPECT_TRUE(end);
    skipped_ = text.starts_with("not ") ? text : "";
    if (skipped_.empty()) {
      EXPECT_EQ(text, "told of " + std::to_string(SIGINT) + "\n");
    }
  });
  if (!skipped_.empty()) GTEST_SKIP() << skipped_;
}

TEST_P(signal_set_of_child_test, one_that_nobody_took_does_not_end_the_process_afterwards) {
  run([&]() -> task<> {
    const command what = child_that({"raise-before-set-goes"});
    const std::string text = co_await output_of(what);
    EXPECT_EQ(text, "alive\n");
  });
}

TEST_P(signal_set_of_child_test, afterwards_they_do_what_they_did_before) {
  run([&]() -> task<> {
    process child = spawned(child_that({"raise-after-set"}));
    const std::string text = co_await read_to_end(child.output());
    EXPECT_EQ(text, "");
    result<exit_status> end = co_await child.wait();
    EXPECT_TRUE(end && !end->is_success());
  });
}

INSTANTIATE_TEST_SUITE_P(backends, signal_set_test, on_each_real_backend(), name_of_backend);
INSTANTIATE_TEST_SUITE_P(hosts, signal_set_test, testing::ValuesIn(simulated_backends()), name_of_backend);
INSTANTIATE_TEST_SUITE_P(backends, signal_set_of_child_test, on_each_real_backend(), name_of_backend);

} // namespace
} // namespace weir::test
