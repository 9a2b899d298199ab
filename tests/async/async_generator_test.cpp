#include "async_test.hpp"

#include <weir/async/async_generator.hpp>
#include <weir/async/nursery.hpp>
#include <weir/async/when_all.hpp>
#include <weir/async/with_deadline.hpp>

#include <memory>
#include <optional>

namespace weir {
namespace {

class async_generator_test : public async_test {
 protected:
  static async_generator<int> counts(int from, int to) {
    for (int i = from; i <= to; ++i) co_yield i;
  }
  /// Awaits between the values; ends when it is cancelled.
  static async_generator<int> ticks(std::chrono::nanoseconds period) {
    for (int i = 1;; ++i) {
      result<> slept = co_await sleep_for(period);
      if (!slept) break;
      co_yield i;
    }
  }
  template <class T>
  static task<trace> all_of(async_generator<T>& from) {
    trace seen;
    for (;;) {
      std::optional<T> next = co_await from.next();
      if (!next) break;
      seen += std::to_string(*next) + " ";
    }
    co_return seen;
  }
};

TEST_F(async_generator_test, gives_its_values_in_order_and_then_its_end) {
  auto numbers = counts(1, 4);
  EXPECT_EQ(run(all_of(numbers)), "1 2 3 4 ");
  EXPECT_EQ(run(all_of(numbers)), "") << "an end stays one";
}

TEST_F(async_generator_test, runs_only_as_far_as_it_is_asked_to) {
  trace seen;
  auto notes = [&]() -> async_generator<int> {
    seen += "a";
    co_yield 1;
    seen += "b";
    co_yield 2;
    seen += "c";
  };
  auto numbers = notes();
  auto main = [&]() -> task<> {
    EXPECT_EQ(seen, "");
    std::optional<int> first = co_await numbers.next();
    EXPECT_EQ(first, 1);
    EXPECT_EQ(seen, "a");
    std::optional<int> second = co_await numbers.next();
    EXPECT_EQ(second, 2);
    EXPECT_EQ(seen, "ab");
  };
  run(main());
  EXPECT_EQ(seen, "ab");
}

TEST_F(async_generator_test, awaits_between_its_values) {
  auto ticking = ticks(10ms);
  auto main = [&]() -> task<> {
    const std::uint64_t began_ns = on().now_ns();
    for (int i = 1; i <= 3; ++i) {
      std::optional<int> tick = co_await ticking.next();
      EXPECT_EQ(tick, i);
    }
    EXPECT_GE(on().now_ns() - began_ns, 30'000'000u);
    EXPECT_LT(on().now_ns() - began_ns, 31'000'000u);
  };
  run(main());
}

TEST_F(async_generator_test, a_million_values_need_no_stack_and_no_turn) {
  auto main = [&]() -> task<> {
    const std::uint64_t turn = on().counters().turns;
    auto numbers = counts(1, 1'000'000);
    long sum = 0;
    for (;;) {
      std::optional<int> next = co_await numbers.next();
      if (!next) break;
      sum += *next;
    }
    EXPECT_EQ(sum, 500'000'500'000);
    EXPECT_EQ(on().counters().turns, turn);
  };
  run(main());
}

TEST_F(async_generator_test, generators_feed_generators) {
  auto doubles = [](async_generator<int> from) -> async_generator<int> {
    for (;;) {
      std::optional<int> next = co_await from.next();
      if (!next) break;
      co_yield *next * 2;
    }
  };
  auto doubled = doubles(counts(1, 3));
  EXPECT_EQ(run(all_of(doubled)), "2 4 6 ");
}

TEST_F(async_generator_test, values_may_only_move_and_may_be_errors) {
  auto tries = []() -> async_generator<result<std::unique_ptr<int>>> {
    co_yield std::make_unique<int>(1);
    co_yield fail(errc::protocol);
  };
  auto tried = tries();
  auto main = [&]() -> task<> {
    auto first = co_await tried.next();
    EXPECT_EQ(**first.value(), 1);
    auto second = co_await tried.next();
    EXPECT_EQ(second.value().error(), errc::protocol);
    auto end = co_await tried.next();
    EXPECT_FALSE(end);
  };
  run(main());
}

TEST_F(async_generator_test, an_exception_reaches_next_and_is_the_end) {
  auto throws = []() -> async_generator<int> {
    co_yield 1;
    co_await yields(1);
    throw std::runtime_error("broken");
  };
  auto numbers = throws();
  auto main = [&]() -> task<> {
    std::optional<int> first = co_await numbers.next();
    EXPECT_EQ(first, 1);
    std::string caught;
    try {
      std::optional<int> never = co_await numbers.next();
      EXPECT_FALSE(never) << "not reached";
    } catch (const std::runtime_error& thrown) {
      caught = thrown.what();
    }
    EXPECT_EQ(caught, "broken");
    std::optional<int> end = co_await numbers.next();
    EXPECT_FALSE(end);
  };
  run(main());
}

TEST_F(async_generator_test, a_cancellation_of_who_waits_reaches_it_and_it_is_awaited) {
  cancellation scope;
  trace seen;
  auto cleans_up = [&]() -> async_generator<int> {
    result<> slept = co_await sleep_for(1h);
    seen += slept ? "slept " : "cancelled ";
    co_await yields(3);
    seen += "ended ";
  };
  auto numbers = cleans_up();
  auto main = [&]() -> task<> {
    auto consumes = [&]() -> task<> {
      std::optional<int> next = co_await numbers.next();
      EXPECT_FALSE(next);
      seen += "told ";
    };
    co_await when_all(consumes(), request_after(1ms, scope));
  };
  run(main(), &scope);
  EXPECT_EQ(seen, "cancelled ended told ");
}

TEST_F(async_generator_test, in_a_cancelled_scope_it_runs_and_sees_it) {
  cancellation scope;
  scope.request();
  auto ticking = ticks(1ms);
  EXPECT_EQ(run(all_of(ticking), &scope), "");
}

TEST_F(async_generator_test, a_deadline_for_one_value_ends_it) {
  auto ticking = ticks(1h);
  auto next = [&]() -> task<result<int>> {
    std::optional<int> tick = co_await ticking.next();
    if (!tick) co_return fail(std::errc::operation_canceled);
    co_return *tick;
  };
  EXPECT_TRUE(run(with_deadline(1ms, next())).error().is_timeout());
  EXPECT_EQ(run(all_of(ticking)), "");
}

TEST_F(async_generator_test, may_be_left_at_a_value) {
  auto held = std::make_shared<int>(1);
  auto holds = [](std::shared_ptr<int> what) -> async_generator<int> {
    for (;;) co_yield *what;
  };
  auto main = [&]() -> task<> {
    auto numbers = holds(held);
    std::optional<int> first = co_await numbers.next();
    EXPECT_EQ(first, 1);
  };
  run(main());
  EXPECT_EQ(held.use_count(), 1);
}

TEST_F(async_generator_test, may_die_before_its_start) {
  auto held = std::make_shared<int>(1);
  auto holds = [](std::shared_ptr<int> what) -> async_generator<int> { co_yield *what; };
  {
    auto numbers = holds(held);
    EXPECT_EQ(held.use_count(), 2);
  }
  EXPECT_EQ(held.use_count(), 1);
}

TEST_F(async_generator_test, finish_asks_it_to_end_and_waits_for_its_children) {
  trace seen;
  auto child = [&]() -> task<> {
    result<> slept = co_await sleep_for(1h);
    seen += slept ? "slept " : "child-cancelled ";
  };
  auto with_children = [&]() -> async_generator<int> {
    nursery children(nursery_options(), co_await current_cancellation());
    EXPECT_TRUE(children.try_spawn(child()));
    result<> wanted;
    for (int i = 1; wanted; ++i) wanted = co_yield i;
    EXPECT_TRUE(wanted.error().is_cancelled());
    result<> joined = co_await children.join();
    EXPECT_TRUE(joined);
    seen += "ended ";
  };
  auto main = [&]() -> task<> {
    auto numbers = with_children();
    std::optional<int> first = co_await numbers.next();
    EXPECT_EQ(first, 1);
    co_await numbers.finish();
    seen += "finished";
    std::optional<int> end = co_await numbers.next();
    EXPECT_FALSE(end);
  };
  run(main());
  EXPECT_EQ(seen, "child-cancelled ended finished");
}

TEST_F(async_generator_test, finish_leaves_one_that_yields_on_and_starts_none) {
  trace seen;
  auto stubborn = [&]() -> async_generator<int> {
    for (int i = 1;; ++i) {
      seen += std::to_string(i) + " ";
      co_yield i;
    }
  };
  auto main = [&]() -> task<> {
    auto numbers = stubborn();
    co_await numbers.finish();
    EXPECT_EQ(seen, "");
    std::optional<int> first = co_await numbers.next();
    EXPECT_EQ(first, 1);
    co_await numbers.finish();
  };
  run(main());
  EXPECT_EQ(seen, "1 2 ");
}

#ifndef NDEBUG
TEST_F(async_generator_test, must_not_die_while_it_runs) {
  std::optional<async_generator<int>> ticking(ticks(1h));
  auto consumes = [&]() -> task<> {
    std::optional<int> tick = co_await ticking->next();
    EXPECT_TRUE(tick) << "not reached";
  };
  auto destroys = [&]() -> task<> {
    ticking.reset();
    co_return;
  };
  auto main = [&]() -> task<> { co_await when_all(consumes(), destroys()); };
  EXPECT_DEATH(run(main()), "while it runs");
}
#endif

} // namespace
} // namespace weir
