// task<T>: a coroutine that starts when it is awaited and gives its value to the one coroutine that awaits
// it.
//
// Awaiting transfers control straight into the task, and its end straight back (symmetric transfer): a chain
// of a million awaits needs no stack. g++ below -O2 needs -foptimize-sibling-calls for that
// (docs/compilers.md). Lifetime: owns its frame and destroys it when it dies. It must not die between its
// start and its end, which awaiting the temporary, `co_await f()`, guarantees. Arguments passed by reference
// must outlive the task. Thread rule: made, awaited and destroyed on one thread. Cancel-safety: cancellation
// destroys nothing; it only makes the awaitables inside give std::errc::operation_canceled. Errors: an
// exception that leaves the body is kept and rethrown where the task is awaited.
#pragma once

#include <weir/async/frame_pool.hpp>
#include <weir/async/scope.hpp>

#include <cassert>
#include <concepts>
#include <coroutine>
#include <exception>
#include <optional>
#include <type_traits>
#include <utility>

namespace weir {

template <class T = void>
class task;

class task_promise_base : public pooled_frame {
 public:
  struct final_awaiter {
    bool await_ready() const noexcept { return false; }
    template <class Promise>
    std::coroutine_handle<> await_suspend(std::coroutine_handle<Promise> ended) const noexcept {
      return ended.promise().continuation_;
    }
    void await_resume() const noexcept {}
  };

  std::suspend_always initial_suspend() const noexcept { return {}; }
  final_awaiter final_suspend() const noexcept { return {}; }
  void unhandled_exception() noexcept { failure_ = std::current_exception(); }

  cancellation* scope() const noexcept { return scope_; }
  const std::exception_ptr& failure() const noexcept { return failure_; }

  /// Who goes on when the task has ended, and the scope that it runs in.
  void set_awaiting(std::coroutine_handle<> continuation, cancellation* scope) noexcept {
    assert(!continuation_ && "a task is awaited once");
    continuation_ = continuation;
    scope_ = scope;
  }

 protected:
  void rethrow_failure() {
    if (failure_) std::rethrow_exception(std::exchange(failure_, nullptr));
  }

 private:
  std::coroutine_handle<> continuation_;
  cancellation* scope_ = nullptr;
  std::exception_ptr failure_;
};

template <class T>
class task_promise final : public task_promise_base {
 public:
  task<T> get_return_object() noexcept;

  template <class U = T>
    requires std::constructible_from<T, U>
  void return_value(U&& value) {
    value_.emplace(std::forward<U>(value));
  }
  T take() {
    rethrow_failure();
    return std::move(*value_);
  }

 private:
  std::optional<T> value_;
};

template <>
class task_promise<void> final : public task_promise_base {
 public:
  task<void> get_return_object() noexcept;

  void return_void() const noexcept {}
  void take() { rethrow_failure(); }
};

template <class T>
class [[nodiscard]] task {
  static_assert(!std::is_reference_v<T>, "a task gives a value; for a reference return a pointer");

 public:
  using promise_type = task_promise<T>;
  using value_type = T;

  task(task&& other) noexcept : frame_(std::exchange(other.frame_, nullptr)) {}
  task& operator=(task&& other) noexcept {
    if (this != &other) {
      if (frame_) frame_.destroy();
      frame_ = std::exchange(other.frame_, nullptr);
    }
    return *this;
  }
  ~task() {
    if (frame_) frame_.destroy();
  }

  class awaiter;
  class awaiter_under;
  class end_awaiter;

  /// `co_await f()`: runs it in the scope of the awaiting coroutine; gives its value or rethrows.
  awaiter operator co_await() && noexcept { return awaiter(frame_); }
  /// `co_await f().under(scope)`: the same in another scope. Null: nothing cancels it.
  awaiter_under under(cancellation* scope) && noexcept { return awaiter_under(frame_, scope); }

  /// For what combines tasks: runs it to its end in the scope of the awaiting coroutine and keeps the
  /// outcome, for `failure` and `take`.
  end_awaiter end() & noexcept { return end_awaiter(frame_); }
  /// Null when it ended with a value. Precondition of both: it has ended.
  const std::exception_ptr& failure() const noexcept { return frame_.promise().failure(); }
  T take() { return frame_.promise().take(); }

 private:
  friend promise_type;
  using handle = std::coroutine_handle<promise_type>;
  explicit task(handle frame) noexcept : frame_(frame) {}

  handle frame_;
};

template <class T>
class [[nodiscard]] task<T>::end_awaiter {
 public:
  explicit end_awaiter(handle frame) noexcept : frame_(frame) {}

  bool await_ready() const noexcept { return false; }
  template <class Promise>
  std::coroutine_handle<> await_suspend(std::coroutine_handle<Promise> awaiting) noexcept {
    frame_.promise().set_awaiting(awaiting, scope_of(awaiting));
    return frame_;
  }
  void await_resume() const noexcept {}

 protected:
  handle frame_;
};

template <class T>
class [[nodiscard]] task<T>::awaiter : public end_awaiter {
 public:
  using end_awaiter::end_awaiter;
  T await_resume() { return this->frame_.promise().take(); }
};

template <class T>
class [[nodiscard]] task<T>::awaiter_under : public awaiter {
 public:
  awaiter_under(handle frame, cancellation* scope) noexcept : awaiter(frame), scope_(scope) {}

  std::coroutine_handle<> await_suspend(std::coroutine_handle<> awaiting) noexcept {
    this->frame_.promise().set_awaiting(awaiting, scope_);
    return this->frame_;
  }

 private:
  cancellation* scope_;
};

template <class T>
task<T> task_promise<T>::get_return_object() noexcept {
  return task<T>(std::coroutine_handle<task_promise>::from_promise(*this));
}

inline task<void> task_promise<void>::get_return_object() noexcept {
  return task<void>(std::coroutine_handle<task_promise>::from_promise(*this));
}

} // namespace weir
