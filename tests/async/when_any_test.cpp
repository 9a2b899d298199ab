#include "async_test.hpp"

#include <weir/async/channel.hpp>
#include <weir/async/when_all.hpp>
#include <weir/async/when_any.hpp>

namespace weir {
namespace {

class when_any_test : public async_test {
 protected:
  task<result<int>> gives(int value, std::chrono::nanoseconds after) {
    result<> slept = co_await sleep_for(after);
    if (!slept) co_return fail(slept.error());
    co_return value;
  }
};

TEST_F(when_any_test, tells_the_first_and_cancels_the_others) {
  auto main = [&]() -> task<> {
    const std::uint64_t began_ns = on().now_ns();
    auto [first, values] = co_await when_any(gives(1, 1h), gives(2, 10ms), gives(3, 2h));
    EXPECT_EQ(first, 1u);
    EXPECT_TRUE(std::get<0>(values).error().is_cancelled());
    EXPECT_EQ(std::get<1>(values).value(), 2);
    EXPECT_TRUE(std::get<2>(values).error().is_cancelled());
    EXPECT_LT(on().now_ns() - began_ns, 11'000'000u);
  };
  run(main());
}

TEST_F(when_any_test, awaits_losers_that_take_their_time) {
  bool cleaned = false;
  auto slow_to_end = [&]() -> task<> {
    result<> slept = co_await sleep_for(1h);
    EXPECT_FALSE(slept);
    co_await yields(5);
    cleaned = true;
  };
  auto main = [&]() -> task<> {
    auto any = co_await when_any(gives(1, 1ms), slow_to_end());
    EXPECT_EQ(any.first, 0u);
    EXPECT_TRUE(cleaned);
  };
  run(main());
}

TEST_F(when_any_test, keeps_the_value_of_a_second_winner) {
  channel<int> left;
  channel<int> right;
  auto receives = [](channel<int>& from) -> task<result<int>> { co_return co_await from.receive(); };
  auto sends_to_both = [&]() -> task<> {
    co_await yields(2);
    EXPECT_TRUE(right.try_send(2)); // both are handed over before either receiver runs
    EXPECT_TRUE(left.try_send(1));
  };
  auto any_of_them = [&]() -> task<> {
    auto [first, values] = co_await when_any(receives(left), receives(right));
    EXPECT_EQ(first, 1u);
    EXPECT_EQ(std::get<0>(values).value(), 1);
    EXPECT_EQ(std::get<1>(values).value(), 2);
  };
  auto main = [&]() -> task<> { co_await when_all(any_of_them(), sends_to_both()); };
  run(main());
}

TEST_F(when_any_test, a_task_that_ends_at_once_lets_the_later_ones_run_cancelled) {
  trace seen;
  auto at_once = []() -> task<int> { co_return 5; };
  auto notes = [&]() -> task<> {
    seen += "started ";
    result<> slept = co_await sleep_for(1h);
    if (!slept) seen += "cancelled";
  };
  auto main = [&]() -> task<> {
    auto [first, values] = co_await when_any(at_once(), notes());
    EXPECT_EQ(first, 0u);
    EXPECT_EQ(std::get<0>(values), 5);
  };
  run(main());
  EXPECT_EQ(seen, "started cancelled");
}

TEST_F(when_any_test, an_exception_of_the_first_is_rethrown_when_all_have_ended) {
  bool ended = false;
  auto throws = []() -> task<int> {
    co_await yields(1);
    throw std::runtime_error("first");
    co_return 0;
  };
  auto loses = [&]() -> task<int> {
    result<> slept = co_await sleep_for(1h);
    ended = !slept;
    co_return 1;
  };
  auto main = [&]() -> task<> { co_await when_any(loses(), throws()); };
  EXPECT_THROW(run(main()), std::runtime_error);
  EXPECT_TRUE(ended);
}

TEST_F(when_any_test, an_exception_of_a_loser_is_not_lost) {
  auto throws_when_cancelled = []() -> task<> {
    result<> slept = co_await sleep_for(1h);
    if (!slept) throw std::logic_error("broken clean-up");
  };
  auto main = [&]() -> task<> { co_await when_any(gives(1, 1ms), throws_when_cancelled()); };
  EXPECT_THROW(run(main()), std::logic_error);
}

TEST_F(when_any_test, a_cancellation_from_outside_reaches_every_task) {
  cancellation scope;
  auto main = [&]() -> task<> {
    auto any_of_two = [&]() -> task<> {
      auto [first, values] = co_await when_any(gives(1, 1h), gives(2, 1h));
      EXPECT_EQ(first, 0u);
      EXPECT_TRUE(std::get<0>(values).error().is_cancelled());
      EXPECT_TRUE(std::get<1>(values).error().is_cancelled());
    };
    co_await when_all(any_of_two(), request_after(1ms, scope));
  };
  run(main(), &scope);
}

TEST_F(when_any_test, takes_any_number_of_tasks_of_a_kind) {
  auto main = [&]() -> task<> {
    std::vector<task<result<int>>> tasks;
    for (int i = 0; i < 50; ++i) tasks.push_back(gives(i, std::chrono::milliseconds(i == 37 ? 1 : 1000)));
    auto [first, values] = co_await when_any(std::move(tasks));
    EXPECT_EQ(first, 37u);
    EXPECT_EQ(values.size(), 50u);
    EXPECT_EQ(values[37].value(), 37);
    EXPECT_TRUE(values[49].error().is_cancelled());
  };
  run(main());
}

} // namespace
} // namespace weir
