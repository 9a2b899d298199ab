#include "async_test.hpp"

#include <weir/async/retry.hpp>
#include <weir/async/when_all.hpp>
#include <weir/async/with_deadline.hpp>

#include <algorithm>
#include <memory>
#include <vector>

namespace weir {
namespace {

class retry_test : public async_test {
 protected:
  /// Gives one outcome after the other, and notes when it was asked.
  auto gives(std::vector<result<int>> outcomes) {
    return [this, left = std::move(outcomes)](unsigned number) -> task<result<int>> {
      asked_at_ns_.push_back(on().now_ns());
      co_await yields(1);
      co_return left.at(number - 1);
    };
  }
  static result<int> refused() { return fail(std::errc::connection_refused, "connect"); }

  std::vector<std::uint64_t> asked_at_ns_;
  retry_report report_;
};

TEST_F(retry_test, the_first_success_is_the_outcome) {
  auto attempt = gives({refused(), refused(), 7, 8});
  EXPECT_EQ(run(retry(retry_policy(5), attempt, &report_)).value(), 7);
  EXPECT_EQ(report_.attempts, 3u);
  EXPECT_EQ(report_.ended_by, retry_end::success);
  EXPECT_EQ(report_.last_error, refused().error());
}

TEST_F(retry_test, the_last_error_comes_back_when_the_attempts_are_used_up) {
  auto attempt = gives({refused(), refused(), fail(std::errc::timed_out), 1});
  EXPECT_TRUE(run(retry(retry_policy(3), attempt, &report_)).error().is_timeout());
  EXPECT_EQ(report_.attempts, 3u);
  EXPECT_EQ(report_.ended_by, retry_end::attempts_max);
}

TEST_F(retry_test, what_is_not_transient_is_not_tried_again) {
  auto attempt = gives({refused(), fail(errc::protocol), 1});
  EXPECT_EQ(run(retry(retry_policy(9), attempt, &report_)).error(), errc::protocol);
  EXPECT_EQ(report_.attempts, 2u);
  EXPECT_EQ(report_.ended_by, retry_end::not_transient);
}

TEST_F(retry_test, the_classification_can_be_replaced) {
  retry_policy policy(9);
  policy.is_worth_it = [](const error& why) noexcept { return why == errc::protocol; };
  auto attempt = gives({fail(errc::protocol), refused(), 1});
  EXPECT_EQ(run(retry(policy, attempt)).error(), std::errc::connection_refused);
}

TEST_F(retry_test, takes_a_callable_without_a_number_and_tasks_without_a_value) {
  int left = 2;
  auto attempt = [&]() -> task<result<>> {
    co_await yields(1);
    if (left-- > 0) co_return fail(errc::end_of_stream);
    co_return result<>();
  };
  EXPECT_TRUE(run(retry(retry_policy(), attempt)));
}

TEST_F(retry_test, delivers_values_that_only_move) {
  auto attempt = []() -> task<result<std::unique_ptr<int>>> { co_return std::make_unique<int>(6); };
  EXPECT_EQ(*run(retry(retry_policy(), attempt)).value(), 6);
}

TEST_F(retry_test, exceptions_pass) {
  int attempts = 0;
  auto attempt = [&]() -> task<result<int>> {
    ++attempts;
    co_await yields(1);
    throw std::runtime_error("broken");
    co_return 1;
  };
  EXPECT_THROW(run(retry(retry_policy(), attempt)), std::runtime_error);
  EXPECT_EQ(attempts, 1);
}

TEST_F(retry_test, waits_longer_and_longer_up_to_its_longest) {
  const retry_policy policy(10, 100ms, 1s);
  constexpr std::uint64_t most = ~std::uint64_t{0};
  const auto ceiling_after = [&](unsigned attempt) { // the largest delay that any random bits give
    const auto expected = std::min<std::chrono::nanoseconds>(100ms * (1 << (attempt - 1)), 1s);
    return policy.delay_after(attempt, static_cast<std::uint64_t>(expected.count()));
  };
  EXPECT_EQ(ceiling_after(1), 100ms);
  EXPECT_EQ(ceiling_after(2), 200ms);
  EXPECT_EQ(ceiling_after(4), 800ms);
  EXPECT_EQ(ceiling_after(5), 1s);
  EXPECT_EQ(policy.delay_after(1, 100'000'001), 0ns) << "the ceiling is the largest";
  EXPECT_LE(policy.delay_after(1000, most), 1s);
  EXPECT_LE(retry_policy(10, 1h * 1'000'000, 1h).delay_after(60, most), 1h);
  EXPECT_EQ(retry_policy(10, 0ns, 0ns).delay_after(3, most), 0ns);
}

TEST_F(retry_test, jitter_is_uniform_from_nothing_to_the_ceiling) {
  const retry_policy policy(2, 1s, 1s);
  std::array<int, 10> tenths{};
  for (int i = 0; i < 10'000; ++i)
    ++tenths[static_cast<std::size_t>(policy.delay_after(1, on().random()) / 100ms) % 10];
  for (int count : tenths) EXPECT_NEAR(count, 1000, 200);
}

TEST_F(retry_test, waits_by_the_clock_of_the_loop) {
  auto attempt = gives({refused(), refused(), refused(), refused()});
  EXPECT_FALSE(run(retry(retry_policy(4, 1h, 100h), attempt)));
  ASSERT_EQ(asked_at_ns_.size(), 4u);
  EXPECT_GT(asked_at_ns_.back() - asked_at_ns_.front(), 0u);
  constexpr std::uint64_t hour_ns = 3'600'000'000'000;
  for (std::size_t i = 1; i < 4; ++i)
    EXPECT_LE(asked_at_ns_[i] - asked_at_ns_[i - 1], (hour_ns << (i - 1)) + hour_ns / 1000);
}

TEST_F(retry_test, a_budget_is_shared_and_stops_those_who_fail_together) {
  retry_budget budget(10, 2);
  unsigned attempts = 0;
  auto attempt = [&]() -> task<result<int>> {
    ++attempts;
    co_await yields(1);
    co_return refused();
  };
  const retry_policy policy(4, 1ms, 1ms, &budget);
  for (int i = 0; i < 50; ++i) EXPECT_FALSE(run(retry(policy, attempt, &report_)));
  EXPECT_EQ(attempts, 50u + 2 + 4) << "the reserve, and a tenth of the 49 that found room to pay in";
  EXPECT_EQ(report_.ended_by, retry_end::budget);
}

TEST_F(retry_test, stops_at_once_when_its_scope_ends_while_it_waits) {
  cancellation scope;
  std::uint64_t ended_at_ns = 0;
  const std::uint64_t began_at_ns = on().now_ns();
  auto attempt = gives({refused(), 1});
  auto retries = [&]() -> task<> {
    result<int> outcome = co_await retry(retry_policy(2, 100h, 100h), attempt, &report_);
    EXPECT_TRUE(!outcome && outcome.error().is_cancelled());
    ended_at_ns = on().now_ns();
  };
  auto main = [&]() -> task<> { co_await when_all(retries(), request_after(1ms, scope)); };
  run(main(), &scope);
  EXPECT_LT(ended_at_ns - began_at_ns, 2'000'000u);
  EXPECT_EQ(report_.ended_by, retry_end::cancelled);
  EXPECT_EQ(report_.last_error, refused().error()) << "what it would have tried again";
}

TEST_F(retry_test, does_not_try_again_in_a_scope_that_ended_during_an_attempt) {
  cancellation scope;
  retry_budget budget(0, 1);
  const retry_policy policy(5, 1ms, 1ms, &budget);
  auto attempt = [&](unsigned number) -> task<result<int>> {
    EXPECT_EQ(number, 1u);
    co_await yields(1);
    scope.request();
    co_return refused();
  };
  EXPECT_TRUE(run(retry(policy, attempt, &report_), &scope).error().is_cancelled());
  EXPECT_EQ(report_.attempts, 1u);
  EXPECT_EQ(report_.ended_by, retry_end::cancelled);
  EXPECT_EQ(budget.retries_left(), 1u) << "others may use it";
}

TEST_F(retry_test, a_success_is_delivered_though_the_scope_ended) {
  cancellation scope;
  auto attempt = [&]() -> task<result<int>> {
    scope.request();
    co_return 5;
  };
  EXPECT_EQ(run(retry(retry_policy(), attempt), &scope).value(), 5);
}

TEST_F(retry_test, a_deadline_around_it_is_a_time_out_and_one_for_each_attempt_is_tried_again) {
  auto never = []() -> task<result<>> { co_return co_await sleeps(1h); };
  auto limited = [&]() -> task<result<>> { return with_deadline(10ms, never()); };
  EXPECT_TRUE(run(retry(retry_policy(3, 1ms, 1ms), limited, &report_)).error().is_timeout());
  EXPECT_EQ(report_.attempts, 3u);
  EXPECT_TRUE(run(with_deadline(1s, retry(retry_policy(), never, &report_))).error().is_timeout());
  EXPECT_EQ(report_.attempts, 1u);
}

TEST(transient, tells_what_passes_from_what_stays) {
  EXPECT_TRUE(is_transient(error::from_errno(ECONNREFUSED)));
  EXPECT_TRUE(is_transient(error(std::errc::timed_out)));
  EXPECT_TRUE(is_transient(error(errc::end_of_stream)));
  EXPECT_TRUE(is_transient(error::from_errno(EMFILE)));
  EXPECT_FALSE(is_transient(error(std::errc::operation_canceled)));
  EXPECT_FALSE(is_transient(error(errc::protocol)));
  EXPECT_FALSE(is_transient(error(errc::unroutable)));
  EXPECT_FALSE(is_transient(error(errc::closed)));
  EXPECT_FALSE(is_transient(error(errc::limit_reached)));
  EXPECT_FALSE(is_transient(error::from_errno(EACCES)));
}

} // namespace
} // namespace weir
