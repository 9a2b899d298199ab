#include "async_test.hpp"

#include <weir/async/semaphore.hpp>
#include <weir/async/when_all.hpp>

#include <algorithm>
#include <optional>
#include <vector>

namespace weir {
namespace {

class semaphore_test : public async_test {
 protected:
  /// Holds a permit for some turns; notes in upper case when it got none.
  static task<> holds(semaphore& of, trace& seen, char name, int turns = 1) {
    result<semaphore::permit> held = co_await of.acquire();
    seen += held ? name : static_cast<char>(name - 'a' + 'A');
    if (held) co_await yields(turns);
  }
};

TEST_F(semaphore_test, lets_as_many_in_as_it_has_permits) {
  semaphore seats(3);
  std::size_t inside = 0;
  std::size_t most_inside = 0;
  auto sits = [&]() -> task<> {
    result<semaphore::permit> seat = co_await seats.acquire();
    EXPECT_TRUE(seat);
    most_inside = std::max(most_inside, ++inside);
    co_await yields(2);
    --inside;
  };
  auto main = [&]() -> task<> {
    std::vector<task<>> guests;
    for (int i = 0; i < 20; ++i) guests.push_back(sits());
    co_await when_all(std::move(guests));
  };
  run(main());
  EXPECT_EQ(most_inside, 3u);
  EXPECT_EQ(seats.available(), 3u);
}

TEST_F(semaphore_test, serves_in_the_order_of_arrival_and_nobody_overtakes) {
  semaphore one(1);
  trace seen;
  auto overtakes = [&]() -> task<> {
    co_await yields(1); // the permit is back, and on its way to the first in line
    EXPECT_EQ(one.try_acquire().error(), std::errc::operation_would_block);
    co_await holds(one, seen, 'd');
  };
  auto main = [&]() -> task<> {
    co_await when_all(holds(one, seen, 'a'), holds(one, seen, 'b'), holds(one, seen, 'c'), overtakes());
  };
  run(main());
  EXPECT_EQ(seen, "abcd");
}

TEST_F(semaphore_test, a_permit_moves_and_goes_back_once) {
  semaphore two(2);
  std::optional<semaphore::permit> kept;
  {
    result<semaphore::permit> taken = two.try_acquire();
    kept.emplace(std::move(*taken));
  }
  EXPECT_EQ(two.available(), 1u) << "moved, not released";
  semaphore::permit other = std::move(*two.try_acquire());
  EXPECT_FALSE(two.try_acquire());
  other = std::move(*kept);
  EXPECT_EQ(two.available(), 1u) << "what it held before went back";
  kept.reset();
  EXPECT_EQ(two.available(), 1u);
  other.release();
  other.release();
  EXPECT_EQ(two.available(), 2u);
}

TEST_F(semaphore_test, a_cancelled_acquire_leaves_the_line_and_holds_nothing) {
  semaphore one(1);
  trace seen;
  cancellation scope;
  auto cancelled = [&]() -> task<> { co_await holds(one, seen, 'b').under(&scope); };
  auto requests = [&]() -> task<> {
    scope.request();
    co_return;
  };
  auto main = [&]() -> task<> {
    co_await when_all(holds(one, seen, 'a', 3), cancelled(), holds(one, seen, 'c'), requests());
  };
  run(main());
  EXPECT_EQ(seen, "aBc");
  EXPECT_EQ(one.available(), 1u);
}

TEST_F(semaphore_test, a_permit_that_was_given_is_delivered_though_the_scope_ends_then) {
  semaphore one(1);
  trace seen;
  cancellation scope;
  std::optional<semaphore::permit> first(std::move(*one.try_acquire()));
  auto release_and_cancel = [&]() -> task<> {
    first->release();
    scope.request();
    co_return;
  };
  auto main = [&]() -> task<> { co_await when_all(holds(one, seen, 'a'), release_and_cancel()); };
  run(main(), &scope);
  EXPECT_EQ(seen, "a");
  EXPECT_EQ(one.available(), 1u);
}

TEST_F(semaphore_test, takes_nothing_in_a_cancelled_scope) {
  semaphore one(1);
  trace seen;
  cancellation scope;
  scope.request();
  run(holds(one, seen, 'a'), &scope);
  EXPECT_EQ(seen, "A");
  EXPECT_EQ(one.available(), 1u);
}

#ifndef NDEBUG
TEST_F(semaphore_test, must_not_die_before_its_permits) {
  const auto outlive = [] {
    std::optional<semaphore> one(std::in_place, 1u);
    result<semaphore::permit> held = one->try_acquire();
    one.reset();
  };
  EXPECT_DEATH(outlive(), "before its permits");
}
#endif

} // namespace
} // namespace weir
