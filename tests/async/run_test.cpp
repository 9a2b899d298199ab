#include "async_test.hpp"

#include <weir/async/operations.hpp>
#include <weir/async/run.hpp>

namespace weir {
namespace {

class run_test : public async_test {};

TEST_F(run_test, starts_the_task_within_a_turn_of_the_loop) {
  auto main = [&]() -> task<bool> { co_return loop::current() == &on(); };
  EXPECT_EQ(loop::current(), nullptr);
  EXPECT_TRUE(run(main()));
}

TEST_F(run_test, ends_whatever_phase_the_task_ends_in) {
  // Without a wake-up the last turn would wait for ever, and the scripted backend would end the program.
  auto in_deferred = []() -> task<int> {
    co_await yields(1);
    co_return 1;
  };
  auto in_timers = []() -> task<int> {
    result<> slept = co_await sleep_for(1ms);
    co_return slept ? 2 : 0;
  };
  auto in_completions = []() -> task<int> {
    result<> passed = co_await async_nop();
    co_return passed ? 3 : 0;
  };
  EXPECT_EQ(run(in_deferred()), 1);
  EXPECT_EQ(run(in_timers()), 2);
  EXPECT_EQ(run(in_completions()), 3);
}

TEST_F(run_test, rethrows) {
  auto main = []() -> task<> {
    co_await yields(1);
    throw std::runtime_error("broken");
  };
  EXPECT_THROW(run(main()), std::runtime_error);
}

TEST_F(run_test, a_scope_of_the_caller_can_cancel_the_task) {
  cancellation scope;
  scope.request();
  EXPECT_TRUE(run(sleeps(1h), &scope).error().is_cancelled());
}

} // namespace
} // namespace weir
