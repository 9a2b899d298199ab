#include "async_test.hpp"

#include <weir/async/event.hpp>
#include <weir/async/operations.hpp>
#include <weir/async/shield.hpp>
#include <weir/async/when_all.hpp>
#include <weir/async/with_deadline.hpp>

#include <array>

namespace weir {
namespace {

class with_deadline_test : public async_test {
 protected:
  /// Sleeps, and tells how long it really was.
  task<result<std::uint64_t>> sleeps_ns(std::chrono::nanoseconds duration) {
    const std::uint64_t began_ns = on().now_ns();
    result<> slept = co_await sleep_for(duration);
    last_slept_ns_ = on().now_ns() - began_ns;
    if (!slept) co_return fail(slept.error());
    co_return last_slept_ns_;
  }

  task<result<std::uint64_t>> nested(int levels) {
    result<std::uint64_t> inner;
    const std::chrono::milliseconds limit = levels == 5 ? 10ms : 100ms * levels;
    if (levels == 0)
      inner = co_await sleeps_ns(1h);
    else
      inner = co_await with_deadline(limit, nested(levels - 1));
    co_return inner;
  }

  std::uint64_t last_slept_ns_ = 0;
};
using with_deadline_of_operations = with_script<with_deadline_test>;

TEST_F(with_deadline_test, a_task_in_time_is_left_alone) {
  EXPECT_GE(run(with_deadline(1s, sleeps_ns(5ms))).value(), 5'000'000u);
  EXPECT_GE(run(with_deadline(deadline::never(), sleeps_ns(5ms))).value(), 5'000'000u);
}

TEST_F(with_deadline_test, a_late_task_is_cancelled_and_has_timed_out) {
  const result<std::uint64_t> late = run(with_deadline(10ms, sleeps_ns(1h)));
  ASSERT_FALSE(late);
  EXPECT_TRUE(late.error().is_timeout());
  EXPECT_STREQ(late.error().operation(), "sleep");
  EXPECT_GE(last_slept_ns_, 10'000'000u);
  EXPECT_LT(last_slept_ns_, 11'000'000u);
}

TEST_F(with_deadline_test, takes_a_point_in_time) {
  const std::uint64_t at_ns = on().now_ns() + 20'000'000;
  EXPECT_TRUE(run(with_deadline(deadline::at_ns(at_ns), sleeps_ns(1h))).error().is_timeout());
  EXPECT_GE(on().now_ns(), at_ns);
}

TEST_F(with_deadline_test, that_is_past_starts_nothing) {
  auto acts = []() -> task<result<>> { co_return co_await async_nop(); };
  EXPECT_TRUE(run(with_deadline(0s, acts())).error().is_timeout());
  EXPECT_TRUE(run(with_deadline(-1s, acts())).error().is_timeout());
  EXPECT_TRUE(run(with_deadline(deadline::at_ns(1), acts())).error().is_timeout());
  EXPECT_EQ(on().counters().operations_started, 0u);
}

TEST_F(with_deadline_of_operations, a_success_that_races_is_delivered) {
  std::array<std::byte, 4> buffer{};
  auto receives = [&]() -> task<result<std::size_t>> { co_return co_await async_receive(3, buffer); };
  backend().succeed_at_cancel(4);
  EXPECT_EQ(run(with_deadline(1ms, receives())).value(), 4u);
}

TEST_F(with_deadline_test, other_errors_stay_what_they_are) {
  auto fails = []() -> task<result<int>> {
    result<> slept = co_await sleep_for(1h);
    co_return fail(slept ? errc::closed : errc::protocol);
  };
  EXPECT_EQ(run(with_deadline(1ms, fails())).error(), errc::protocol);
}

TEST_F(with_deadline_test, a_cancellation_that_the_task_makes_up_is_no_time_out) {
  auto gives_up = []() -> task<result<int>> {
    co_await yields(1);
    co_return fail(std::errc::operation_canceled);
  };
  EXPECT_TRUE(run(with_deadline(1h, gives_up())).error().is_cancelled());
}

TEST_F(with_deadline_test, exceptions_pass) {
  auto throws = []() -> task<result<int>> {
    co_await yields(1);
    throw std::runtime_error("broken");
    co_return 1;
  };
  EXPECT_THROW(run(with_deadline(1h, throws())), std::runtime_error);
}

TEST_F(with_deadline_test, a_cancellation_from_outside_stays_one) {
  cancellation scope;
  auto main = [&]() -> task<result<std::uint64_t>> {
    auto [slept, done] = co_await when_all(with_deadline(1h, sleeps_ns(2h)), request_after(1ms, scope));
    co_return slept;
  };
  EXPECT_TRUE(run(main(), &scope).error().is_cancelled());
}

TEST_F(with_deadline_test, nested_the_inner_one_times_out_only_its_own) {
  result<std::uint64_t> inner;
  auto outer = [&](std::chrono::nanoseconds inner_limit) -> task<result<int>> {
    inner = co_await with_deadline(inner_limit, sleeps_ns(1h));
    result<> afterwards = co_await sleep_for(1ms);
    if (!afterwards) co_return fail(afterwards.error());
    co_return 7;
  };
  EXPECT_EQ(run(with_deadline(1s, outer(10ms))).value(), 7);
  EXPECT_TRUE(inner.error().is_timeout());

  const result<int> late = run(with_deadline(10ms, outer(1s)));
  EXPECT_TRUE(inner.error().is_cancelled()) << "the outer deadline fired, not the inner";
  EXPECT_TRUE(late.error().is_timeout());
}

TEST_F(with_deadline_test, nested_at_the_same_time_the_outer_one_fires) {
  result<std::uint64_t> inner;
  auto outer = [&]() -> task<result<std::uint64_t>> {
    inner = co_await with_deadline(10ms, sleeps_ns(1h));
    co_return inner;
  };
  EXPECT_TRUE(run(with_deadline(10ms, outer())).error().is_timeout());
  EXPECT_TRUE(inner.error().is_cancelled());
}

TEST_F(with_deadline_test, nested_ten_deep_the_shortest_counts) {
  EXPECT_TRUE(run(nested(10)).error().is_timeout());
  EXPECT_LT(last_slept_ns_, 11'000'000u);
}

TEST_F(with_deadline_test, awaits_a_task_that_goes_on_after_its_cancellation) {
  bool cleaned = false;
  auto says_goodbye = [&]() -> task<> {
    result<> slept = co_await sleep_for(50ms);
    cleaned = slept.has_value();
  };
  auto polite = [&]() -> task<result<int>> {
    result<> slept = co_await sleep_for(1h);
    co_await shield(says_goodbye());
    co_return fail(slept.error());
  };
  EXPECT_TRUE(run(with_deadline(1ms, polite())).error().is_timeout());
  EXPECT_TRUE(cleaned);
}

} // namespace
} // namespace weir
