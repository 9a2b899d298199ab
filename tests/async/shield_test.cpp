#include "async_test.hpp"

#include <weir/async/shield.hpp>
#include <weir/async/when_all.hpp>
#include <weir/async/with_deadline.hpp>

namespace weir {
namespace {

class shield_test : public async_test {};

TEST_F(shield_test, runs_in_no_scope) {
  cancellation scope;
  auto tells = []() -> task<cancellation*> { co_return co_await current_cancellation(); };
  auto main = [&]() -> task<cancellation*> { co_return co_await shield(tells()); };
  EXPECT_EQ(run(main(), &scope), nullptr);
}

TEST_F(shield_test, is_not_reached_by_a_cancellation_before_or_while_it_runs) {
  cancellation scope;
  auto main = [&]() -> task<> {
    auto shielded = [&]() -> task<> {
      result<> before = co_await shield(sleeps(10ms));
      EXPECT_TRUE(before) << "cancelled while it ran";
      result<> open = co_await sleep_for(10ms);
      EXPECT_FALSE(open);
      result<> after = co_await shield(sleeps(10ms));
      EXPECT_TRUE(after) << "cancelled before it ran";
    };
    co_await when_all(shielded(), request_after(1ms, scope));
  };
  run(main(), &scope);
}

TEST_F(shield_test, a_deadline_inside_still_holds) {
  cancellation scope;
  scope.request();
  auto main = []() -> task<result<>> { co_return co_await shield(with_deadline(5ms, sleeps(1h))); };
  EXPECT_TRUE(run(main(), &scope).error().is_timeout());
}

TEST_F(shield_test, exceptions_pass) {
  auto throws = []() -> task<> {
    co_await yields(1);
    throw std::runtime_error("broken");
  };
  auto main = [&]() -> task<> { co_await shield(throws()); };
  EXPECT_THROW(run(main()), std::runtime_error);
}

} // namespace
} // namespace weir
