// The scope of a coroutine: the cancellation that it runs under. A task inherits it from the coroutine that
// awaits it; what starts tasks (nursery, when_all, with_deadline, shield, run) may put another in its place.
//
// Customization: a promise type takes part by a member `cancellation* scope() const noexcept`. Coroutines of
// other libraries have none: weir's awaitables work there, and nothing cancels them.
//
// Every awaitable of weir that waits for something asks its scope first: in a scope that was asked to end it
// gives std::errc::operation_canceled at once and starts nothing. What deviates says so: yield (still lets
// others run), async_close (closes all the same) and the joins of children (wait for them, always).
#pragma once

#include <weir/io/cancellation.hpp>

#include <concepts>
#include <coroutine>

namespace weir {

template <class Promise>
cancellation* scope_of(std::coroutine_handle<Promise> coroutine) noexcept {
  if constexpr (requires {
                  { coroutine.promise().scope() } -> std::convertible_to<cancellation*>;
                })
    return coroutine.promise().scope();
  else
    return nullptr;
}

/// `cancellation* scope = co_await current_cancellation();` Does not suspend; null where nothing can cancel.
class [[nodiscard]] current_cancellation {
 public:
  current_cancellation() noexcept {}

  bool await_ready() const noexcept { return false; }
  template <class Promise>
  bool await_suspend(std::coroutine_handle<Promise> awaiting) noexcept {
    scope_ = scope_of(awaiting);
    return false;
  }
  cancellation* await_resume() const noexcept { return scope_; }

 private:
  cancellation* scope_ = nullptr;
};

} // namespace weir
