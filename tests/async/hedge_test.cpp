#include "async_test.hpp"

#include <weir/async/hedge.hpp>
#include <weir/async/retry.hpp>
#include <weir/async/shield.hpp>
#include <weir/async/when_all.hpp>
#include <weir/async/with_deadline.hpp>

#include <memory>
#include <vector>

namespace weir {
namespace {

/// What one attempt does: an outcome after a time.
struct scripted_attempt {
  std::chrono::nanoseconds after;
  result<int> outcome;
};

class hedge_test : public async_test {
 protected:
  /// Attempts that note their start and end, the latter in brackets when they were cancelled.
  auto attempts(std::vector<scripted_attempt> script) {
    return [this, acts = std::move(script)](unsigned number) -> task<result<int>> {
      seen_ += std::to_string(number) + " ";
      result<> slept = co_await sleep_for(acts.at(number - 1).after);
      seen_ += slept ? "-" + std::to_string(number) + " " : "(" + std::to_string(number) + ") ";
      if (!slept) co_return fail(slept.error());
      co_return acts.at(number - 1).outcome;
    };
  }
  static result<int> refused() { return fail(std::errc::connection_refused, "connect"); }

  template <class Make>
  result<int> outcome_of(hedge_policy policy, Make make) {
    const std::uint64_t began_ns = on().now_ns();
    result<int> outcome = run(hedge(policy, std::move(make)));
    took_ = std::chrono::nanoseconds(on().now_ns() - began_ns);
    return outcome;
  }

  trace seen_;
  std::chrono::nanoseconds took_{};
};

TEST_F(hedge_test, a_quick_answer_needs_no_second_attempt) {
  EXPECT_EQ(outcome_of(10ms, attempts({{5ms, 1}})).value(), 1);
  EXPECT_EQ(seen_, "1 -1 ");
  EXPECT_LT(took_, 6ms) << "nothing waits for the rest of the delay";
}

TEST_F(hedge_test, after_the_delay_a_second_attempt_may_win_and_the_first_is_cancelled) {
  EXPECT_EQ(outcome_of(10ms, attempts({{1h, 1}, {5ms, 2}})).value(), 2);
  EXPECT_EQ(seen_, "1 2 -2 (1) ");
  EXPECT_GE(took_, 15ms);
  EXPECT_LT(took_, 16ms);
}

TEST_F(hedge_test, the_first_may_win_still_and_the_second_is_cancelled) {
  EXPECT_EQ(outcome_of(10ms, attempts({{15ms, 1}, {1h, 2}})).value(), 1);
  EXPECT_EQ(seen_, "1 2 -1 (2) ");
}

TEST_F(hedge_test, starts_one_more_each_delay_up_to_its_bound) {
  EXPECT_EQ(outcome_of(hedge_policy(10ms, 3), attempts({{1s, 1}, {2s, 2}, {3s, 3}})).value(), 1);
  EXPECT_EQ(seen_, "1 2 3 -1 (2) (3) ");
  seen_.clear();
  EXPECT_EQ(outcome_of(hedge_policy(10ms, 1), attempts({{1s, 1}})).value(), 1);
  EXPECT_EQ(seen_, "1 -1 ");
}

TEST_F(hedge_test, a_failure_does_not_win_while_another_may_succeed) {
  EXPECT_EQ(outcome_of(10ms, attempts({{15ms, refused()}, {50ms, 2}})).value(), 2);
  EXPECT_EQ(seen_, "1 2 -1 -2 ");
}

TEST_F(hedge_test, when_all_have_failed_the_first_error_comes_back) {
  const auto outcome =
      outcome_of(10ms, attempts({{50ms, fail(std::errc::timed_out)}, {5ms, fail(errc::protocol)}}));
  EXPECT_EQ(outcome.error(), errc::protocol) << "the second attempt failed first";
  EXPECT_EQ(seen_, "1 2 -2 -1 ");
}

TEST_F(hedge_test, a_failure_within_the_delay_is_an_answer) {
  EXPECT_EQ(outcome_of(10ms, attempts({{5ms, refused()}})).error(), std::errc::connection_refused);
  EXPECT_EQ(seen_, "1 -1 ");
  EXPECT_LT(took_, 6ms);
}

TEST_F(hedge_test, awaits_losers_that_take_their_time) {
  bool cleaned = false;
  auto attempt = [&](unsigned number) -> task<result<int>> {
    if (number == 2) co_return 2;
    result<> slept = co_await sleep_for(1h);
    co_await shield(yields(5));
    cleaned = !slept;
    co_return fail(slept.error());
  };
  EXPECT_EQ(outcome_of(1ms, attempt).value(), 2);
  EXPECT_TRUE(cleaned);
}

TEST_F(hedge_test, a_second_success_that_races_is_destroyed) {
  auto held = std::make_shared<int>(1);
  auto attempt = [&](unsigned number) -> task<result<std::shared_ptr<int>>> {
    const std::chrono::nanoseconds answers_after = number == 1 ? 1h : 1ms;
    result<> slept = co_await sleep_for(answers_after);
    EXPECT_EQ(slept.has_value(), number == 2); // the first has its answer although it was cancelled
    co_return std::shared_ptr<int>(held);
  };
  {
    result<std::shared_ptr<int>> winner = run(hedge(10ms, attempt));
    EXPECT_TRUE(winner);
    EXPECT_EQ(held.use_count(), 2) << "the winner's only";
  }
  EXPECT_EQ(held.use_count(), 1);
}

TEST_F(hedge_test, an_exception_ends_the_others_and_passes) {
  auto attempt = [&](unsigned number) -> task<result<int>> {
    if (number == 2) throw std::runtime_error("broken");
    result<> slept = co_await sleep_for(1h);
    seen_ += slept ? "slept" : "cancelled";
    co_return 1;
  };
  EXPECT_THROW(run(hedge(1ms, attempt)), std::runtime_error);
  EXPECT_EQ(seen_, "cancelled");
}

TEST_F(hedge_test, a_cancellation_from_outside_reaches_all_and_is_the_outcome) {
  cancellation scope;
  auto attempt = attempts({{1h, 1}, {2h, 2}});
  auto hedged = [&]() -> task<> {
    result<int> outcome = co_await hedge(1ms, attempt);
    EXPECT_TRUE(!outcome && outcome.error().is_cancelled());
  };
  auto main = [&]() -> task<> { co_await when_all(hedged(), request_after(10ms, scope)); };
  run(main(), &scope);
  EXPECT_EQ(seen_, "1 2 (1) (2) ");
}

TEST_F(hedge_test, in_a_cancelled_scope_starts_nothing) {
  cancellation scope;
  scope.request();
  EXPECT_TRUE(run(hedge(1ms, attempts({})), &scope).error().is_cancelled());
  EXPECT_EQ(seen_, "");
}

TEST_F(hedge_test, a_deadline_around_it_is_a_time_out) {
  EXPECT_TRUE(run(with_deadline(5ms, hedge(1ms, attempts({{1h, 1}, {1h, 2}})))).error().is_timeout());
}

TEST_F(hedge_test, a_budget_bounds_the_extra_load) {
  retry_budget budget(10, 1);
  unsigned started = 0;
  auto attempt = [&]() -> task<result<int>> {
    ++started;
    result<> slept = co_await sleep_for(10ms);
    if (!slept) co_return fail(slept.error());
    co_return 1;
  };
  for (int i = 0; i < 21; ++i) EXPECT_TRUE(outcome_of(hedge_policy(1ms, 2, &budget), attempt));
  EXPECT_EQ(started, 21u + 1 + 2) << "the reserve, and a tenth of the twenty that paid in";
}

TEST_F(hedge_test, retries_inside) {
  int refusals = 2;
  auto once = [&]() -> task<result<int>> {
    co_await yields(1);
    if (refusals-- > 0) co_return refused();
    co_return 3;
  };
  auto attempt = [&]() { return retry(retry_policy(3, 1ms, 1ms), once); };
  EXPECT_EQ(outcome_of(1s, attempt).value(), 3);
}

} // namespace
} // namespace weir
