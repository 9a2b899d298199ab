#include "async_test.hpp"

#include <weir/async/sleep.hpp>
#include <weir/async/when_all.hpp>

namespace weir {
namespace {

constexpr std::uint64_t tick_ns = std::uint64_t{1} << timer_wheel::tick_shift;

class sleep_test : public async_test {
 protected:
  task<> sleeper(trace& seen, std::string name, std::chrono::nanoseconds duration) {
    result<> slept = co_await sleep_for(duration);
    seen += slept ? name : "(" + name + ")";
  }
};

TEST_F(sleep_test, lets_at_least_the_time_pass_and_little_more) {
  auto main = [&]() -> task<std::uint64_t> {
    const std::uint64_t began_ns = on().now_ns();
    result<> slept = co_await sleep_for(250ms);
    EXPECT_TRUE(slept);
    co_return on().now_ns() - began_ns;
  };
  const std::uint64_t slept_ns = run(main());
  EXPECT_GE(slept_ns, 250'000'000u);
  EXPECT_LE(slept_ns, 250'000'000u + 2 * tick_ns);
}

TEST_F(sleep_test, lasts_until_a_point_in_time) {
  auto main = [&]() -> task<std::uint64_t> {
    const std::uint64_t until_ns = on().now_ns() + 40'000'000;
    result<> slept = co_await sleep_until_ns(until_ns);
    EXPECT_TRUE(slept);
    co_return on().now_ns() - until_ns;
  };
  EXPECT_LE(run(main()), 2 * tick_ns);
}

TEST_F(sleep_test, that_is_over_already_ends_at_the_next_turn) {
  auto main = [&](std::chrono::nanoseconds duration) -> task<std::uint64_t> {
    const std::uint64_t turn = on().counters().turns;
    result<> slept = co_await sleep_for(duration);
    EXPECT_TRUE(slept);
    co_return on().counters().turns - turn;
  };
  EXPECT_LE(run(main(-1s)), 2u);
  EXPECT_LE(run(main(0s)), 2u);
}

TEST_F(sleep_test, ends_in_order_of_time_and_then_of_arrival) {
  trace seen;
  auto main = [&]() -> task<> {
    co_await when_all(sleeper(seen, "c", 30ms), sleeper(seen, "a", 10ms), sleeper(seen, "b1", 20ms),
                      sleeper(seen, "b2", 20ms));
  };
  run(main());
  EXPECT_EQ(seen, "ab1b2c");
}

TEST_F(sleep_test, does_not_begin_in_a_cancelled_scope) {
  cancellation scope;
  scope.request();
  auto main = [&]() -> task<bool> {
    const std::uint64_t turn = on().counters().turns;
    result<> slept = co_await sleep_for(1s);
    co_return !slept && slept.error().is_cancelled() && on().counters().turns == turn;
  };
  EXPECT_TRUE(run(main(), &scope));
}

TEST_F(sleep_test, that_expires_after_its_cancellation_resumes_once) {
  trace seen;
  cancellation scope;
  auto main = [&]() -> task<> {
    // Both timers are due in one turn: the first cancels the second, whose own expiry comes behind.
    co_await when_all(request_after(10ms, scope), sleeper(seen, "a", 10ms));
  };
  run(main(), &scope);
  EXPECT_EQ(seen, "(a)");
}

TEST_F(sleep_test, ends_at_once_when_cancelled) {
  trace seen;
  cancellation scope;
  auto main = [&]() -> task<std::uint64_t> {
    const std::uint64_t began_ns = on().now_ns();
    co_await when_all(request_after(10ms, scope), sleeper(seen, "a", 1h), sleeper(seen, "b", 2h));
    co_return on().now_ns() - began_ns;
  };
  EXPECT_LE(run(main(), &scope), 20'000'000u);
  EXPECT_EQ(seen, "(a)(b)");
}

} // namespace
} // namespace weir
