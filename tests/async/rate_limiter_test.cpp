#include "async_test.hpp"

#include <weir/async/rate_limiter.hpp>
#include <weir/async/when_all.hpp>

#include <optional>
#include <utility>
#include <vector>

namespace weir {
namespace {

constexpr std::uint64_t tick_ns = std::uint64_t{1} << timer_wheel::tick_shift;

class rate_limiter_test : public async_test {
 protected:
  /// Notes its name when it got its tokens, in upper case when it did not.
  static task<> takes(rate_limiter& from, trace& seen, char name, std::uint64_t tokens = 1) {
    result<> granted = co_await from.acquire(tokens);
    seen += granted ? name : static_cast<char>(name - 'a' + 'A');
  }
  /// How long it takes to get `tokens`, one after the other.
  task<std::uint64_t> takes_one_by_one(rate_limiter& from, int tokens) {
    const std::uint64_t began_ns = on().now_ns();
    for (int i = 0; i < tokens; ++i) {
      result<> granted = co_await from.acquire();
      EXPECT_TRUE(granted);
    }
    co_return on().now_ns() - began_ns;
  }
  task<std::uint64_t> time_of(task<> what) {
    const std::uint64_t began_ns = on().now_ns();
    co_await std::move(what);
    co_return on().now_ns() - began_ns;
  }
};

TEST_F(rate_limiter_test, gives_its_burst_at_once_and_then_its_rate) {
  rate_limiter limiter(rate_limiter_options(100, 1s, 10));
  EXPECT_EQ(run(takes_one_by_one(limiter, 10)), 0u);
  const std::uint64_t next_ns = run(takes_one_by_one(limiter, 100));
  EXPECT_GE(next_ns, 1'000'000'000u);
  EXPECT_LE(next_ns, 1'000'000'000u + 2 * tick_ns) << "a late wake-up costs no token";
}

TEST_F(rate_limiter_test, counts_periods_of_any_length) {
  rate_limiter limiter(rate_limiter_options(1, 1h));
  EXPECT_EQ(run(takes_one_by_one(limiter, 1)), 0u);
  const std::uint64_t waited_ns = run(takes_one_by_one(limiter, 3));
  EXPECT_GE(waited_ns, 3u * 3'600'000'000'000);
  EXPECT_LE(waited_ns, 3u * 3'600'000'000'000 + 3 * tick_ns);
}

TEST_F(rate_limiter_test, keeps_no_more_than_its_burst_while_nobody_comes) {
  rate_limiter limiter(rate_limiter_options(1000, 1s, 5));
  auto main = [&]() -> task<> {
    result<> slept = co_await sleep_for(1h);
    EXPECT_TRUE(slept);
    for (int i = 0; i < 5; ++i) EXPECT_TRUE(limiter.try_acquire());
    EXPECT_EQ(limiter.try_acquire().error(), std::errc::operation_would_block);
  };
  run(main());
}

TEST_F(rate_limiter_test, serves_in_the_order_of_arrival_and_nobody_overtakes_a_large_demand) {
  rate_limiter limiter(rate_limiter_options(10, 1s, 10));
  trace seen;
  auto tries = [&]() -> task<> {
    EXPECT_EQ(limiter.waiting(), 2u);
    result<> slept = co_await sleep_for(500ms); // five tokens lie there, for whom is first in line
    EXPECT_TRUE(slept);
    EXPECT_EQ(limiter.try_acquire().error(), std::errc::operation_would_block);
  };
  auto main = [&]() -> task<> {
    co_await when_all(takes(limiter, seen, 'a', 10), takes(limiter, seen, 'b', 8), takes(limiter, seen, 'c'),
                      tries());
  };
  const std::uint64_t took_ns = run(time_of(main()));
  EXPECT_EQ(seen, "abc");
  EXPECT_GE(took_ns, 900'000'000u);
  EXPECT_LE(took_ns, 900'000'000u + 3 * tick_ns);
}

TEST_F(rate_limiter_test, refuses_at_the_bound_of_its_line) {
  rate_limiter limiter(rate_limiter_options(1, 1s, 1, 2));
  trace seen;
  result<> refused;
  auto one_too_many = [&]() -> task<> { refused = co_await limiter.acquire(); };
  auto main = [&]() -> task<> {
    co_await when_all(takes(limiter, seen, 'a'), takes(limiter, seen, 'b'), takes(limiter, seen, 'c'),
                      one_too_many());
    EXPECT_EQ(limiter.waiting(), 0u);
    co_await takes(limiter, seen, 'd');
  };
  run(main());
  EXPECT_EQ(refused.error(), errc::limit_reached);
  EXPECT_EQ(seen, "abcd");
}

TEST_F(rate_limiter_test, refuses_what_never_fits) {
  rate_limiter limiter(rate_limiter_options(5));
  auto main = [&]() -> task<result<>> { co_return co_await limiter.acquire(6); };
  EXPECT_EQ(run(main()).error(), errc::invalid_argument);
  EXPECT_EQ(limiter.try_acquire(6).error(), errc::invalid_argument);
}

TEST_F(rate_limiter_test, a_cancelled_acquire_takes_no_token_and_lets_the_next_pass_in_its_own_time) {
  rate_limiter limiter(rate_limiter_options(10, 1s, 10));
  trace seen;
  cancellation scope;
  auto cancelled = [&]() -> task<> { co_await takes(limiter, seen, 'b', 10).under(&scope); };
  auto main = [&]() -> task<> {
    co_await when_all(takes(limiter, seen, 'a', 10), cancelled(), takes(limiter, seen, 'c', 2),
                      request_after(100ms, scope));
  };
  const std::uint64_t took_ns = run(time_of(main()));
  EXPECT_EQ(seen, "aBc");
  EXPECT_GE(took_ns, 200'000'000u);
  EXPECT_LE(took_ns, 200'000'000u + 2 * tick_ns) << "not the second that the one before it needed";
  EXPECT_EQ(limiter.waiting(), 0u);
}

TEST_F(rate_limiter_test, tokens_that_were_given_are_delivered_though_the_scope_ends_then) {
  rate_limiter limiter(rate_limiter_options(10, 1s, 1));
  trace seen;
  cancellation scope;
  auto main = [&]() -> task<> { // both timers are due in one tick, the limiter's first
    co_await when_all(takes(limiter, seen, 'a'), takes(limiter, seen, 'b'), request_after(100ms, scope));
  };
  run(main(), &scope);
  EXPECT_EQ(seen, "ab");
}

TEST_F(rate_limiter_test, gives_nothing_in_a_cancelled_scope) {
  rate_limiter limiter(rate_limiter_options(1));
  trace seen;
  cancellation scope;
  scope.request();
  run(takes(limiter, seen, 'a'), &scope);
  EXPECT_EQ(seen, "A");
  EXPECT_EQ(run(takes_one_by_one(limiter, 1)), 0u);
}

#ifndef NDEBUG
TEST_F(rate_limiter_test, must_not_die_before_who_was_cancelled_has_resumed) {
  std::optional<rate_limiter> limiter(std::in_place, rate_limiter_options(1, 1h));
  trace seen;
  cancellation scope;
  auto cancelled = [&]() -> task<> { co_await takes(*limiter, seen, 'b').under(&scope); };
  auto ends_it = [&]() -> task<> {
    scope.request();
    limiter.reset();
    co_return;
  };
  auto main = [&]() -> task<> { co_await when_all(takes(*limiter, seen, 'a'), cancelled(), ends_it()); };
  EXPECT_DEATH(run(main()), "before those in its line");
}
#endif

} // namespace
} // namespace weir
