#include "async_test.hpp"

#include <weir/async/operations.hpp>
#include <weir/base/result.hpp>

#include <memory>

namespace weir {
namespace {

class task_test : public async_test {};

task<int> value_of(int value) {
  co_return value;
}

task<> note(trace& seen, std::string what) {
  seen += what;
  co_return;
}

TEST_F(task_test, gives_its_value_to_who_awaits_it) {
  auto main = []() -> task<int> {
    const int three = co_await value_of(3);
    const int four = co_await value_of(4);
    co_return three* four;
  };
  EXPECT_EQ(run(main()), 12);
}

TEST_F(task_test, starts_when_it_is_awaited_and_not_before) {
  auto main = [](trace& seen) -> task<> {
    task<> later = note(seen, "task ");
    seen += "before ";
    co_await std::move(later);
    seen += "after";
  };
  trace seen;
  run(main(seen));
  EXPECT_EQ(seen, "before task after");
}

TEST_F(task_test, gives_values_that_can_only_be_moved_or_not_made_from_nothing) {
  struct only_from_int {
    explicit only_from_int(int from) : value(std::make_unique<int>(from)) {}
    std::unique_ptr<int> value;
  };
  auto inner = []() -> task<only_from_int> { co_return only_from_int(7); };
  auto main = [&]() -> task<std::unique_ptr<int>> {
    only_from_int got = co_await inner();
    co_return std::move(got.value);
  };
  EXPECT_EQ(*run(main()), 7);
}

TEST_F(task_test, gives_results_from_values_errors_and_nothing) {
  auto good = []() -> task<result<int>> { co_return 5; };
  auto bad = []() -> task<result<int>> { co_return fail(errc::protocol, "rule"); };
  auto empty = []() -> task<result<>> { co_return {}; };
  EXPECT_EQ(run(good()).value(), 5);
  EXPECT_STREQ(run(bad()).error().operation(), "rule");
  EXPECT_TRUE(run(empty()).has_value());
}

TEST_F(task_test, rethrows_where_it_is_awaited) {
  auto thrower = []() -> task<int> {
    result<> passed = co_await async_nop();
    if (passed) throw std::runtime_error("broken");
    co_return 1;
  };
  auto main = [&]() -> task<std::string> {
    std::string caught;
    try {
      co_await thrower();
    } catch (const std::runtime_error& thrown) {
      caught = thrown.what();
    }
    co_return caught;
  };
  EXPECT_EQ(run(main()), "broken");
  EXPECT_THROW(run(thrower()), std::runtime_error);
}

TEST_F(task_test, that_is_never_awaited_frees_its_frame_and_arguments) {
  auto argument = std::make_shared<int>(1);
  auto holds = [](std::shared_ptr<int> held) -> task<int> { co_return *held; };
  {
    task<int> first = holds(argument);
    task<int> second = std::move(first);
    first = holds(argument);
    EXPECT_EQ(argument.use_count(), 3);
  }
  EXPECT_EQ(argument.use_count(), 1);
}

task<std::uint64_t> sum_down_from(std::uint64_t n) {
  std::uint64_t below = 0;
  if (n > 0) below = co_await sum_down_from(n - 1);
  co_return below + n;
}

TEST_F(task_test, awaits_a_million_deep_without_stack) {
  EXPECT_EQ(run(sum_down_from(1'000'000)), 500'000'500'000u);
}

TEST_F(task_test, awaits_a_million_in_a_row_without_stack) {
  auto main = []() -> task<std::uint64_t> {
    std::uint64_t sum = 0;
    for (int i = 0; i < 1'000'000; ++i) sum += static_cast<std::uint64_t>(co_await value_of(1));
    co_return sum;
  };
  EXPECT_EQ(run(main()), 1'000'000u);
}

task<cancellation*> scope_two_below() {
  auto below = []() -> task<cancellation*> { co_return co_await current_cancellation(); };
  co_return co_await below();
}

TEST_F(task_test, inherits_the_scope_of_who_awaits_it) {
  cancellation scope;
  EXPECT_EQ(run(scope_two_below(), &scope), &scope);
  EXPECT_EQ(run(scope_two_below()), nullptr);
}

TEST_F(task_test, runs_under_the_scope_that_it_is_given) {
  cancellation outer;
  cancellation inner;
  auto main = [&]() -> task<bool> {
    cancellation* below = co_await scope_two_below().under(&inner);
    cancellation* afterwards = co_await current_cancellation();
    co_return below == &inner&& afterwards == &outer;
  };
  EXPECT_TRUE(run(main(), &outer));
}

/// A coroutine type of somebody else: eager, ends on its own, knows nothing of scopes.
struct foreign {
  struct promise_type {
    foreign get_return_object() const noexcept { return {}; }
    std::suspend_never initial_suspend() const noexcept { return {}; }
    std::suspend_never final_suspend() const noexcept { return {}; }
    void return_void() const noexcept {}
    void unhandled_exception() const noexcept { std::terminate(); }
  };
};

foreign await_in_foreign(cancellation** scope, int& value) {
  *scope = co_await scope_two_below();
  value = co_await value_of(9);
}

TEST_F(task_test, can_be_awaited_by_coroutines_without_scope) {
  cancellation unrelated;
  cancellation* scope = &unrelated;
  int value = 0;
  await_in_foreign(&scope, value);
  EXPECT_EQ(scope, nullptr);
  EXPECT_EQ(value, 9);
}

} // namespace
} // namespace weir
