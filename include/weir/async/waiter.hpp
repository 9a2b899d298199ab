// waiter: a suspended coroutine that waits for something on its loop: the mechanics that event, channel,
// sleep and nursery share. It ends exactly once: woken by what it waits for, or cancelled by its scope.
//
// Whoever wakes it does not run it: it resumes in the deferred phase (phase 4 of docs/loop.md), in the order
// of the wake-ups and before what was deferred; what it wakes then follows in the same phase. Cancel-safety:
// once woken, a cancellation changes nothing any more. Thread rule: the loop's thread. Lifetime: lives in the
// frame of the waiting coroutine. Bound: intrusive, no memory of its own.
#pragma once

#include <weir/async/scope.hpp>
#include <weir/base/intrusive.hpp>
#include <weir/base/result.hpp>
#include <weir/io/cancellation.hpp>
#include <weir/io/loop.hpp>
#include <weir/io/work.hpp>

#include <cassert>
#include <coroutine>
#include <system_error>
#include <utility>

namespace weir {

class waiter : public list_hook<waiter>, private work, private cancel_callback {
 public:
  waiter(const waiter&) = delete;
  waiter& operator=(const waiter&) = delete;

  bool await_ready() const noexcept { return false; }

  /// Leaves the list of those who wait and resumes in the deferred phase. Precondition: it waits.
  void wake() noexcept {
    assert(is_waiting());
    list_hook<waiter>::unlink();
    cancel_callback::unlink();
    std::exchange(loop_, nullptr)->resume_soon(*this);
  }
  void wake_with(error why) noexcept {
    failure_ = std::move(why);
    wake();
  }

 protected:
  /// `operation` names the awaitable in errors; a string with static storage duration.
  explicit waiter(const char* operation) noexcept
      : work([](work& self) noexcept { static_cast<waiter&>(self).coroutine_.resume(); }),
        cancel_callback([](cancel_callback& self) noexcept { static_cast<waiter&>(self).cancelled(); },
                        [](const cancel_callback& self, const wait_visitor& visit) {
                          visit(wait_note(static_cast<const waiter&>(self).failure_.operation()));
                        }),
        failure_(std::error_code(0, category()), operation) {} // ours: the system's is a call into libstdc++
  ~waiter() = default;

  /// First step of await_suspend. False: the scope was asked to end already, the outcome is the cancellation.
  template <class Promise>
  bool enter(std::coroutine_handle<Promise> awaiting) noexcept {
    coroutine_ = awaiting;
    scope_ = scope_of(awaiting);
    if (!scope_ || !scope_->is_requested()) return true;
    failure_ = cancellation_error();
    return false;
  }
  /// The same for what waits whatever its scope says.
  void enter_regardless(std::coroutine_handle<> awaiting) noexcept { coroutine_ = awaiting; }
  /// Last step: from here on it waits.
  void wait() noexcept {
    loop_ = loop::current();
    assert(loop_ && "weir's awaitables are awaited on a loop");
    if (scope_) scope_->add(*this);
  }

  /// Resumes at once instead of deferred: only for handlers that the loop itself runs.
  void resume_now() noexcept {
    loop_ = nullptr;
    cancel_callback::unlink();
    coroutine_.resume();
  }

  /// An outcome without waiting.
  void fail_with(error why) noexcept { failure_ = std::move(why); }

  bool is_waiting() const noexcept { return loop_ != nullptr; }
  bool has_failed() const noexcept { return bool(failure_.code()); }
  result<> outcome() noexcept {
    if (has_failed()) return take_failure();
    return {};
  }
  std::unexpected<error> take_failure() noexcept { return fail(std::move(failure_)); }

 private:
  error cancellation_error() const noexcept {
    return error(std::errc::operation_canceled, failure_.operation());
  }
  void cancelled() noexcept { wake_with(cancellation_error()); }

  std::coroutine_handle<> coroutine_;
  loop* loop_ = nullptr; ///< while it waits
  cancellation* scope_ = nullptr;
  error failure_; ///< without a code: none yet; its operation is the awaitable's
};

} // namespace weir
