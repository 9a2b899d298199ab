// yield: lets everything else that is ready on the loop run first: `co_await yield();`
//
// Resumes behind the deferred work that is queued already, in this turn or the next. It also does so in a
// scope that was asked to end, and then reports the cancellation: a computation that only yields, and looks
// at the outcome seldom, still cannot stop the loop.
#pragma once

#include <weir/async/scope.hpp>
#include <weir/base/result.hpp>
#include <weir/io/loop.hpp>
#include <weir/io/work.hpp>

#include <cassert>
#include <coroutine>

namespace weir {

class [[nodiscard]] yield : private work {
 public:
  yield() noexcept : work([](work& self) noexcept { static_cast<yield&>(self).coroutine_.resume(); }) {}

  bool await_ready() const noexcept { return false; }
  template <class Promise>
  void await_suspend(std::coroutine_handle<Promise> awaiting) noexcept {
    coroutine_ = awaiting;
    scope_ = scope_of(awaiting);
    assert(loop::current() && "weir's awaitables are awaited on a loop");
    loop::current()->defer(*this);
  }
  result<> await_resume() const noexcept {
    if (scope_ && scope_->is_requested()) return fail(std::errc::operation_canceled, "yield");
    return {};
  }

 private:
  std::coroutine_handle<> coroutine_;
  cancellation* scope_ = nullptr;
};

} // namespace weir
