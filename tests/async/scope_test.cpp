#include "async_test.hpp"

#include <weir/async/scope.hpp>

namespace weir {
namespace {

class scope_test : public async_test {};

struct scoped_promise {
  cancellation* scope() const noexcept { return scope_; }
  cancellation* scope_ = nullptr;
};

TEST_F(scope_test, is_asked_of_the_promise) {
  scoped_promise promise;
  cancellation scope;
  promise.scope_ = &scope;
  EXPECT_EQ(scope_of(std::coroutine_handle<scoped_promise>::from_promise(promise)), &scope);
}

TEST_F(scope_test, is_none_where_the_promise_has_none) {
  struct other_promise {
    int scope = 0; // not a function
  };
  other_promise promise;
  EXPECT_EQ(scope_of(std::coroutine_handle<other_promise>::from_promise(promise)), nullptr);
  EXPECT_EQ(scope_of(std::noop_coroutine()), nullptr);
  EXPECT_EQ(scope_of(std::coroutine_handle<>(std::noop_coroutine())), nullptr);
}

TEST_F(scope_test, is_told_without_suspending) {
  cancellation scope;
  auto main = [&]() -> task<bool> {
    const std::uint64_t turn = on().counters().turns;
    cancellation* told = co_await current_cancellation();
    co_return told == &scope&& on().counters().turns == turn;
  };
  EXPECT_TRUE(run(main(), &scope));
}

} // namespace
} // namespace weir
