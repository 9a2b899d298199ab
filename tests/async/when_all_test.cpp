#include "async_test.hpp"

#include <weir/async/when_all.hpp>

#include <memory>

namespace weir {
namespace {

class when_all_test : public async_test {
 protected:
  task<int> gives(int value, std::chrono::nanoseconds after) {
    result<> slept = co_await sleep_for(after);
    co_return slept ? value : -value;
  }
  task<int> throws(std::string what, std::chrono::nanoseconds after) {
    result<> slept = co_await sleep_for(after);
    if (slept) throw std::runtime_error(what);
    co_return 0;
  }
  static std::string thrown_by(auto&& act) {
    try {
      act();
    } catch (const std::runtime_error& thrown) {
      return thrown.what();
    }
    return "nothing";
  }
};

TEST_F(when_all_test, gives_values_of_different_types_in_order) {
  auto text = []() -> task<std::string> { co_return "text"; };
  auto nothing = []() -> task<> { co_return; };
  auto owner = []() -> task<std::unique_ptr<int>> { co_return std::make_unique<int>(4); };
  auto main = [&]() -> task<> {
    auto [number, words, empty, owned] = co_await when_all(gives(1, 5ms), text(), nothing(), owner());
    EXPECT_EQ(number, 1);
    EXPECT_EQ(words, "text");
    EXPECT_EQ(empty, std::monostate());
    EXPECT_EQ(*owned, 4);
  };
  run(main());
}

TEST_F(when_all_test, runs_the_tasks_side_by_side) {
  auto main = [&]() -> task<std::uint64_t> {
    const std::uint64_t began_ns = on().now_ns();
    co_await when_all(gives(1, 30ms), gives(2, 20ms), gives(3, 30ms));
    co_return on().now_ns() - began_ns;
  };
  EXPECT_LT(run(main()), 31'000'000u);
}

TEST_F(when_all_test, starts_the_tasks_in_order_and_at_once) {
  trace seen;
  auto notes = [&](char name) -> task<> {
    seen += name;
    co_await yields(1);
  };
  auto main = [&]() -> task<> {
    auto all = when_all(notes('a'), notes('b'));
    seen += '-';
    co_await std::move(all);
  };
  run(main());
  EXPECT_EQ(seen, "-ab");
}

TEST_F(when_all_test, an_exception_cancels_the_rest_and_is_rethrown_when_all_have_ended) {
  std::shared_ptr<int> held = std::make_shared<int>(0);
  auto clean_up = [](std::shared_ptr<int> mine) -> task<int> {
    result<> slept = co_await sleep_for(1h);
    EXPECT_TRUE(slept.error().is_cancelled());
    co_await yields(3); // takes its time
    *mine = 1;
    co_return 0;
  };
  auto main = [&]() -> task<int> {
    auto [a, b] = co_await when_all(clean_up(held), throws("first", 1ms));
    co_return a + b;
  };
  EXPECT_EQ(thrown_by([&] { run(main()); }), "first");
  EXPECT_EQ(*held, 1);
  EXPECT_EQ(held.use_count(), 1);
}

TEST_F(when_all_test, of_several_exceptions_the_first_in_time_is_rethrown) {
  auto throws_when_cancelled = []() -> task<int> {
    result<> slept = co_await sleep_for(1h);
    if (!slept) throw std::runtime_error("second");
    co_return 0;
  };
  auto main = [&]() -> task<> { co_await when_all(throws_when_cancelled(), throws("first", 1ms)); };
  EXPECT_EQ(thrown_by([&] { run(main()); }), "first");
}

TEST_F(when_all_test, an_exception_before_the_others_start_lets_them_run_cancelled) {
  trace seen;
  auto throws_at_once = []() -> task<> {
    throw std::runtime_error("at once");
    co_return;
  };
  auto notes = [&]() -> task<> {
    seen += "started ";
    result<> slept = co_await sleep_for(1h);
    if (!slept) seen += "cancelled";
  };
  auto main = [&]() -> task<> { co_await when_all(throws_at_once(), notes()); };
  EXPECT_EQ(thrown_by([&] { run(main()); }), "at once");
  EXPECT_EQ(seen, "started cancelled");
}

TEST_F(when_all_test, errors_are_values_and_cancel_nothing) {
  auto fails = []() -> task<result<int>> { co_return fail(errc::protocol, "rule"); };
  auto main = [&]() -> task<> {
    auto [failed, given] = co_await when_all(fails(), gives(2, 10ms));
    EXPECT_EQ(failed.error(), errc::protocol);
    EXPECT_EQ(given, 2);
  };
  run(main());
}

TEST_F(when_all_test, a_cancellation_reaches_every_task) {
  cancellation scope;
  auto main = [&]() -> task<> {
    auto [a, b, done] = co_await when_all(gives(1, 1h), gives(2, 1h), request_after(1ms, scope));
    EXPECT_EQ(a, -1);
    EXPECT_EQ(b, -2);
  };
  run(main(), &scope);
}

TEST_F(when_all_test, takes_any_number_of_tasks_of_a_kind) {
  auto main = [&](int count) -> task<int> {
    std::vector<task<int>> tasks;
    for (int i = 0; i < count; ++i) tasks.push_back(gives(i, std::chrono::milliseconds(count - i)));
    std::vector<int> values = co_await when_all(std::move(tasks));
    int weighted = 0;
    for (int i = 0; i < count; ++i) weighted += i * values[static_cast<std::size_t>(i)];
    co_return weighted;
  };
  EXPECT_EQ(run(main(100)), 328'350); // the sum of the squares below 100
  EXPECT_EQ(run(main(0)), 0);
}

TEST_F(when_all_test, ends_at_once_when_every_task_does) {
  auto at_once = []() -> task<int> { co_return 1; };
  auto main = [&]() -> task<std::uint64_t> {
    const std::uint64_t turn = on().counters().turns;
    co_await when_all(at_once(), at_once());
    co_return on().counters().turns - turn;
  };
  EXPECT_EQ(run(main()), 0u);
}

} // namespace
} // namespace weir
