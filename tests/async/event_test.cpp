#include "async_test.hpp"

#include <weir/async/event.hpp>
#include <weir/async/when_all.hpp>

namespace weir {
namespace {

class event_test : public async_test {
 protected:
  task<> waits(event& awaited, trace& seen, char name) {
    result<> passed = co_await awaited.wait();
    seen += passed ? name : static_cast<char>(name - 'a' + 'A');
  }
  task<> sets_later(event& awaited) {
    result<> slept = co_await sleep_for(5ms);
    EXPECT_TRUE(slept);
    awaited.set();
  }
  /// Sets it so often, a turn apart, after those who wait have come.
  task<> sets(event& awaited, trace& seen, int times = 1) {
    for (int i = 0; i < times; ++i) {
      co_await yields(1);
      seen += '[';
      awaited.set();
      seen += ']';
    }
  }
};

TEST_F(event_test, manual_lets_all_pass_until_reset) {
  event opened(event_reset::manual);
  trace seen;
  auto main = [&]() -> task<> {
    co_await when_all(waits(opened, seen, 'a'), waits(opened, seen, 'b'), sets(opened, seen));
    EXPECT_TRUE(opened.is_set());
    co_await waits(opened, seen, 'c');
    opened.reset();
    co_await when_all(waits(opened, seen, 'd'), sets(opened, seen));
  };
  run(main());
  EXPECT_EQ(seen, "[]abc[]d") << "nobody resumes inside set";
}

TEST_F(event_test, automatic_lets_one_pass_for_each_set) {
  event opened(event_reset::automatic);
  trace seen;
  auto main = [&]() -> task<> {
    co_await when_all(waits(opened, seen, 'a'), waits(opened, seen, 'b'), sets(opened, seen, 2));
    EXPECT_FALSE(opened.is_set());
    opened.set();
    opened.set(); // two sets with nobody there are one
    co_await waits(opened, seen, 'c');
    EXPECT_FALSE(opened.is_set());
  };
  run(main());
  EXPECT_EQ(seen, "[]a[]bc");
}

TEST_F(event_test, does_not_pass_in_a_cancelled_scope_and_keeps_the_pass) {
  event opened(event_reset::automatic);
  opened.set();
  trace seen;
  cancellation scope;
  scope.request();
  run(waits(opened, seen, 'a'), &scope);
  EXPECT_EQ(seen, "A");
  EXPECT_TRUE(opened.is_set());
}

TEST_F(event_test, cancelled_waiters_leave_and_the_others_stay_in_line) {
  event opened(event_reset::automatic);
  trace seen;
  cancellation scope;
  auto main = [&]() -> task<> {
    auto cancelled = [&]() -> task<> { co_await waits(opened, seen, 'b').under(&scope); };
    co_await when_all(waits(opened, seen, 'a'), cancelled(), waits(opened, seen, 'c'),
                      request_after(1ms, scope), sets_later(opened), sets_later(opened));
  };
  run(main());
  EXPECT_EQ(seen, "Bac");
}

TEST_F(event_test, a_wait_that_was_woken_passes_though_it_is_cancelled_then) {
  event opened(event_reset::automatic);
  trace seen;
  cancellation scope;
  auto set_and_cancel = [&]() -> task<> {
    opened.set();
    scope.request();
    co_return;
  };
  auto main = [&]() -> task<> { co_await when_all(waits(opened, seen, 'a'), set_and_cancel()); };
  run(main(), &scope);
  EXPECT_EQ(seen, "a");
}

TEST_F(event_test, a_wait_that_was_cancelled_takes_no_pass_with_it) {
  event opened(event_reset::automatic);
  trace seen;
  cancellation scope;
  auto cancel_and_set = [&]() -> task<> {
    scope.request();
    opened.set();
    co_return;
  };
  auto main = [&]() -> task<> { co_await when_all(waits(opened, seen, 'a'), cancel_and_set()); };
  run(main(), &scope);
  EXPECT_EQ(seen, "A");
  EXPECT_TRUE(opened.is_set());
}

} // namespace
} // namespace weir
