#include <weir/async/run.hpp>
#include <weir/async/sleep.hpp>
#include <weir/async/when_all.hpp>
#include <weir/io/loop.hpp>

#include <app/signals.hpp>
#include <gtest/gtest.h>
#include <support/backends.hpp>
#include <support/child.hpp>

#include <chrono>
#include <csignal>
#include <string>

namespace weir::app {
namespace {

using namespace std::chrono_literals;

class signals_test : public testing::TestWithParam<test::backend_case> {
 protected:
  void SetUp() override {
    if (GetParam().is_io_uring() && !test::why_no_io_uring().empty()) GTEST_SKIP() << test::why_no_io_uring();
    loop_ = std::move(loop::create(GetParam().options()).value());
  }
  loop& on() { return *loop_; }

 private:
  std::unique_ptr<loop> loop_;
};

std::string backend_name(const testing::TestParamInfo<test::backend_case>& info) {
  return info.param.name;
}

INSTANTIATE_TEST_SUITE_P(each_backend, signals_test, testing::ValuesIn(test::all_backends()), backend_name);

TEST_P(signals_test, each_is_told_once) {
  signals told = signals::block().value();
  ::raise(SIGTERM);
  ::raise(SIGINT);
  const int first = run(on(), told.next()).value();
  const int second = run(on(), told.next()).value();
  EXPECT_EQ(first + second, SIGTERM + SIGINT);
  EXPECT_NE(first, second);
}

task<result<>> raised_later(int number) {
  result<> slept = co_await sleep_for(1ms);
  ::raise(number);
  co_return slept;
}

TEST_P(signals_test, one_that_comes_while_somebody_waits_wakes_it) {
  signals told = signals::block().value();
  const auto outcome = run(on(), when_all(told.next(), raised_later(SIGTERM)));
  EXPECT_EQ(std::get<0>(outcome).value(), SIGTERM);
}

TEST_P(signals_test, a_cancelled_wait_takes_none) {
  signals told = signals::block().value();
  cancellation scope;
  scope.request();
  const auto cancelled = run(on(), told.next(), &scope);
  ASSERT_FALSE(cancelled);
  EXPECT_TRUE(cancelled.error().is_cancelled());
  ::raise(SIGTERM);
  EXPECT_EQ(run(on(), told.next()).value(), SIGTERM);
}

TEST(signals, one_that_nobody_took_does_not_end_the_process_afterwards) {
  const std::string seen = test::in_child([] {
    {
      signals told = signals::block().value();
      ::raise(SIGTERM);
    }
    return std::string("alive");
  });
  EXPECT_EQ(seen, "alive");
}

TEST(signals, afterwards_they_do_what_they_did_before) {
  const std::string seen = test::in_child([] {
    {
      signals told = signals::block().value();
    }
    ::raise(SIGTERM);
    return std::string("alive");
  });
  EXPECT_EQ(seen, "the child ended with status 15: ");
}

} // namespace
} // namespace weir::app
