// async_generator<T>: a coroutine that gives one value after the other and may await in between:
//
//   async_generator<line> lines_of(stream& from) { for (;;) { … co_await from.read() … co_yield one; } }
//   for (;;) {
//     std::optional<line> next = co_await lines.next();
//     if (!next) break; // it has ended
//   }
//
// Lazy: it runs only within `next`, from one co_yield to the following; control goes straight in and back, so
// that no stream of values needs stack or turns. What fails is part of the value (a generator of result<T>)
// or an exception, which `next` rethrows; then it has ended. Cancellation: it has a scope of its own; one
// that reaches a `next` reaches it, for good, and it is awaited as a task is. Who stops early may `finish`
// it: it is asked to end and awaited; a co_yield then gives std::errc::operation_canceled, and what is
// yielded is dropped. Lifetime: owns its frame. It may die before its start, at its end or at a co_yield,
// where its locals are destroyed and nothing more of it runs: what has to be awaited, such as a nursery,
// needs `finish`. It must not die while a `next` is under way (asserted). Arguments passed by reference must
// outlive it. Thread rule: the loop's thread. Bound: holds one value; its frame is from the frame pool.
#pragma once

#include <weir/async/frame_pool.hpp>
#include <weir/async/scope.hpp>
#include <weir/base/result.hpp>
#include <weir/io/cancellation.hpp>

#include <cassert>
#include <coroutine>
#include <exception>
#include <optional>
#include <system_error>
#include <utility>

namespace weir {

template <class T>
class [[nodiscard]] async_generator {
 public:
  class promise_type;
  using value_type = T;

  async_generator(async_generator&& other) noexcept : frame_(std::exchange(other.frame_, nullptr)) {}
  async_generator& operator=(async_generator&&) = delete;
  ~async_generator() {
    if (!frame_) return;
    assert(!frame_.promise().is_running() && "a generator was destroyed while it runs");
    frame_.destroy();
  }

  class next_awaiter;
  class finish_awaiter;

  /// The next value; empty at the end, and from then on.
  next_awaiter next() noexcept { return next_awaiter(frame_); }
  /// Asks it to end and waits until it has; where it yields all the same a second time, it is left there. Of
  /// one that has not started nothing runs. Gives nothing; rethrows an exception.
  finish_awaiter finish() noexcept { return finish_awaiter(frame_); }

 private:
  using handle = std::coroutine_handle<promise_type>;
  explicit async_generator(handle frame) noexcept : frame_(frame) {}
  handle frame_;
};

template <class T>
class async_generator<T>::promise_type : public pooled_frame {
 public:
  /// Back to whoever awaits the next value, or the end.
  class hand_over {
   public:
    explicit hand_over(const cancellation& scope) noexcept : scope_(scope) {}

    bool await_ready() const noexcept { return false; }
    std::coroutine_handle<> await_suspend(handle generator) const noexcept {
      return std::exchange(generator.promise().consumer_, nullptr);
    }
    /// `result<> wanted = co_yield value;` fails when nobody wants more.
    result<> await_resume() const noexcept {
      if (scope_.is_requested()) return fail(std::errc::operation_canceled, "co_yield");
      return {};
    }

   private:
    const cancellation& scope_;
  };

  async_generator get_return_object() noexcept { return async_generator(handle::from_promise(*this)); }
  std::suspend_always initial_suspend() const noexcept { return {}; }
  hand_over final_suspend() const noexcept { return hand_over(scope_); }
  void return_void() const noexcept {}
  void unhandled_exception() noexcept { failure_ = std::current_exception(); }

  template <class U>
  hand_over yield_value(U&& value) {
    value_.emplace(std::forward<U>(value));
    return hand_over(scope_);
  }

  cancellation* scope() noexcept { return &scope_; }
  bool is_running() const noexcept { return consumer_ != nullptr; }
  void resume_for(std::coroutine_handle<> consumer) noexcept {
    assert(!is_running() && "one next at a time");
    consumer_ = consumer;
    has_started_ = true;
  }
  bool has_started() const noexcept { return has_started_; }
  std::optional<T> take() {
    if (failure_) std::rethrow_exception(std::exchange(failure_, nullptr));
    return std::exchange(value_, std::nullopt);
  }

 private:
  cancellation scope_;
  std::coroutine_handle<> consumer_;
  std::optional<T> value_;
  std::exception_ptr failure_;
  bool has_started_ = false;
};

template <class T>
class [[nodiscard]] async_generator<T>::next_awaiter : private cancel_callback {
 public:
  explicit next_awaiter(handle generator) noexcept
      : cancel_callback([](cancel_callback& self) noexcept {
          static_cast<next_awaiter&>(self).generator_.promise().scope()->request();
        }),
        generator_(generator) {}

  bool await_ready() const noexcept { return generator_.done(); }
  template <class Promise>
  std::coroutine_handle<> await_suspend(std::coroutine_handle<Promise> awaiting) noexcept {
    if (cancellation* scope = scope_of(awaiting)) {
      if (scope->is_requested())
        generator_.promise().scope()->request();
      else
        scope->add(*this);
    }
    generator_.promise().resume_for(awaiting);
    return generator_;
  }
  std::optional<T> await_resume() {
    cancel_callback::unlink();
    return generator_.promise().take();
  }

 private:
  handle generator_;
};

template <class T>
class [[nodiscard]] async_generator<T>::finish_awaiter {
 public:
  explicit finish_awaiter(handle generator) noexcept : generator_(generator) {}

  bool await_ready() const noexcept { return generator_.done() || !generator_.promise().has_started(); }
  std::coroutine_handle<> await_suspend(std::coroutine_handle<> awaiting) noexcept {
    generator_.promise().scope()->request();
    generator_.promise().resume_for(awaiting);
    return generator_;
  }
  void await_resume() { (void)generator_.promise().take(); }

 private:
  handle generator_;
};

} // namespace weir
