#include "async_test.hpp"

#include <weir/async/operations.hpp>
#include <weir/async/when_all.hpp>
#include <weir/async/yield.hpp>

namespace weir {
namespace {

class yield_test : public async_test {
 protected:
  task<> steps(trace& seen, char name, int count) {
    for (int i = 0; i < count; ++i) {
      seen += name;
      result<> passed = co_await yield();
      EXPECT_TRUE(passed);
    }
  }
};

TEST_F(yield_test, takes_turns_with_others_in_order) {
  trace seen;
  auto main = [&]() -> task<> {
    co_await when_all(steps(seen, 'a', 3), steps(seen, 'b', 2), steps(seen, 'c', 3));
  };
  run(main());
  EXPECT_EQ(seen, "abcabcac");
}

TEST_F(yield_test, does_not_starve_completions) {
  bool completed = false;
  auto waits = [&]() -> task<> {
    result<> passed = co_await async_nop();
    completed = passed.has_value();
  };
  auto spins = [&]() -> task<int> {
    int rounds = 0;
    while (!completed) {
      result<> passed = co_await yield();
      EXPECT_TRUE(passed);
      ++rounds;
    }
    co_return rounds;
  };
  auto main = [&]() -> task<int> {
    auto [waited, rounds] = co_await when_all(waits(), spins());
    co_return rounds;
  };
  EXPECT_LE(run(main()), 2);
}

TEST_F(yield_test, lets_others_run_even_in_a_cancelled_scope) {
  cancellation scope;
  scope.request();
  auto main = [&]() -> task<bool> {
    const std::uint64_t turn = on().counters().turns;
    result<> passed = co_await yield();
    co_return !passed && passed.error().is_cancelled() && on().counters().turns > turn;
  };
  EXPECT_TRUE(run(main(), &scope));
}

} // namespace
} // namespace weir
