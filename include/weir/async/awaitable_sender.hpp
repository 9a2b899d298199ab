// awaitable_sender: whatever a task can await, a task itself included, as a sender of [exec]. Part of
// senders.hpp, which has the contract.
#pragma once

#include <weir/async/awaited.hpp>
#include <weir/async/frame_pool.hpp>
#include <weir/async/sender_names.hpp>
#include <weir/async/stop_bridge.hpp>
#include <weir/async/task.hpp>
#include <weir/base/result.hpp>
#include <weir/io/cancellation.hpp>
#include <weir/io/loop.hpp>

#include <cassert>
#include <concepts>
#include <coroutine>
#include <exception>
#include <optional>
#include <type_traits>
#include <utility>

namespace weir {

/// How a sender completes that gives `Outcome`, and how the receiver is told.
template <class Outcome>
struct sender_completions {
  using signatures =
      exec::completion_signatures<exec::set_value_t(Outcome), exec::set_error_t(std::exception_ptr)>;
  template <class Receiver>
  static void tell(Receiver&& to, Outcome&& outcome) noexcept {
    exec::set_value(std::move(to), std::move(outcome));
  }
};
template <>
struct sender_completions<void> {
  using signatures = exec::completion_signatures<exec::set_value_t(), exec::set_error_t(std::exception_ptr)>;
};
template <class T>
struct sender_completions<result<T>> {
  template <class... Value>
  using signatures_of =
      exec::completion_signatures<exec::set_value_t(Value...), exec::set_error_t(error),
                                  exec::set_error_t(std::exception_ptr), exec::set_stopped_t()>;
  template <class U>
  struct of_value {
    using type = signatures_of<U>;
  };
  using signatures =
      typename std::conditional_t<std::is_void_v<T>, std::type_identity<signatures_of<>>, of_value<T>>::type;

  template <class Receiver>
  static void tell(Receiver&& to, result<T>&& outcome) noexcept {
    if (!outcome) {
      if (outcome.error().is_cancelled()) return exec::set_stopped(std::move(to));
      return exec::set_error(std::move(to), std::move(outcome).error());
    }
    if constexpr (std::is_void_v<T>)
      exec::set_value(std::move(to));
    else
      exec::set_value(std::move(to), std::move(*outcome));
  }
};

/// The coroutine that awaits on behalf of a sender. It destroys itself at its end, and only then tells.
class sender_frame {
 public:
  class promise_type : public pooled_frame {
   public:
    template <class Operation>
    explicit promise_type(Operation& of) noexcept
        : scope_(&of.scope_), operation_(&of),
          ended_([](void* operation) noexcept { static_cast<Operation*>(operation)->ended(); }) {}

    struct final_awaiter {
      bool await_ready() const noexcept { return false; }
      void await_suspend(std::coroutine_handle<promise_type> frame) const noexcept {
        void* const operation = frame.promise().operation_;
        const auto ended = frame.promise().ended_;
        frame.destroy();
        ended(operation);
      }
      void await_resume() const noexcept {}
    };

    sender_frame get_return_object() noexcept { return {}; }
    std::suspend_never initial_suspend() const noexcept { return {}; }
    final_awaiter final_suspend() const noexcept { return {}; }
    void return_void() const noexcept {}
    void unhandled_exception() const noexcept { std::terminate(); } // the body lets none through
    cancellation* scope() const noexcept { return scope_; }

   private:
    cancellation* scope_;
    void* operation_;
    void (*ended_)(void* operation) noexcept;
  };
};

/// The operation state: awaits what `Function` gives, in a scope of its own, and tells `Receiver`.
template <class Function, class Receiver>
class awaitable_operation {
  using outcome_type = typename awaited<std::invoke_result_t<Function&>>::type;
  using token_type =
      std::remove_cvref_t<decltype(get_stop_token(exec::get_env(std::declval<const Receiver&>())))>;

 public:
  using operation_state_concept = exec::operation_state_tag;

  awaitable_operation(Function function, Receiver to)
      : function_(std::move(function)), receiver_(std::move(to)), stop_(*this) {}
  awaitable_operation(const awaitable_operation&) = delete;
  awaitable_operation& operator=(const awaitable_operation&) = delete;

  void start() & noexcept {
    loop* const here = loop::current();
    assert(here && "a sender of weir is started on a loop");
    stop_.attach(get_stop_token(exec::get_env(receiver_)), *here);
    try {
      carry_out(*this);
    } catch (...) { // no memory for the frame: nothing has begun
      thrown_ = std::current_exception();
      ended();
    }
  }

 private:
  friend class sender_frame::promise_type;

  struct stop_request : stop_forwarder<token_type> {
    explicit stop_request(awaitable_operation& of) noexcept
        : stop_forwarder<token_type>(of.scope_,
                                     [](stop_forwarder<token_type>& self) noexcept {
                                       static_cast<stop_request&>(self).owner.tell();
                                     }),
          owner(of) {}
    awaitable_operation& owner;
  };

  static sender_frame carry_out(awaitable_operation& self) {
    try {
      if constexpr (std::is_void_v<outcome_type>) {
        co_await self.function_();
      } else {
        self.outcome_.emplace(co_await self.function_());
      }
    } catch (...) {
      self.thrown_ = std::current_exception();
    }
  }

  void ended() noexcept {
    if (stop_.detach()) tell();
  }

  /// The receiver may destroy this operation: what it is told lies outside.
  void tell() noexcept {
    Receiver to = std::move(receiver_);
    if (thrown_) return exec::set_error(std::move(to), auto(std::move(thrown_)));
    if constexpr (std::is_void_v<outcome_type>)
      exec::set_value(std::move(to));
    else
      sender_completions<outcome_type>::tell(std::move(to), auto(std::move(*outcome_)));
  }

  struct nothing {};
  Function function_;
  Receiver receiver_;
  std::optional<std::conditional_t<std::is_void_v<outcome_type>, nothing, outcome_type>> outcome_;
  std::exception_ptr thrown_;
  cancellation scope_;
  stop_request stop_;
};

/// What `as_sender` gives.
template <class Function>
class [[nodiscard]] awaitable_sender {
 public:
  using sender_concept = exec::sender_tag;
  using completion_signatures =
      typename sender_completions<typename awaited<std::invoke_result_t<Function&>>::type>::signatures;

  explicit awaitable_sender(Function function) noexcept(std::is_nothrow_move_constructible_v<Function>)
      : function_(std::move(function)) {}

  template <exec::receiver Receiver>
  awaitable_operation<Function, Receiver> connect(Receiver to) && {
    return {std::move(function_), std::move(to)};
  }
  template <exec::receiver Receiver>
    requires std::copy_constructible<Function>
  awaitable_operation<Function, Receiver> connect(Receiver to) const& {
    return {function_, std::move(to)};
  }

 private:
  Function function_;
};

/// A task, to be connected once.
template <class T>
class task_giver {
 public:
  explicit task_giver(task<T> body) noexcept : body_(std::move(body)) {}
  task<T> operator()() noexcept { return std::move(body_); }

 private:
  task<T> body_;
};

/// `as_sender([&] { return client.read(); })`: `function` is called at each start and gives an awaitable.
template <std::move_constructible Function>
  requires std::invocable<Function&>
awaitable_sender<Function> as_sender(Function function) {
  return awaitable_sender<Function>(std::move(function));
}
/// `as_sender(serve(client))`: the task begins when it is started.
template <class T>
awaitable_sender<task_giver<T>> as_sender(task<T> body) noexcept {
  return awaitable_sender<task_giver<T>>(task_giver<T>(std::move(body)));
}

} // namespace weir
