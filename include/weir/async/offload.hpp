// offload: runs a function that blocks or computes on a thread of the pool, while the loop goes on:
//
//   auto digest = [&file] { return digest_of(file); };
//   result<hash> done = co_await offload(pool_class::cpu, digest);
//
// Gives what the function gives, in a result; an exception of it comes back to whoever awaits. Cancellation:
// a function that has not begun never begins; the outcome is std::errc::operation_canceled at once. One that
// has begun is awaited, since it uses memory of who waits; it hears of the cancellation by the
// std::stop_token that it may take as its argument, and what it then gives is the outcome: no value is lost.
// Stop callbacks run on the loop's thread, inside `cancellation::request`, and must not block. Bound: the
// class's `queue_max` (blocking_pool.hpp). `when_full::wait`, the default, stands in line; the line is as
// long as there are tasks that wait. `when_full::refuse` gives errc::limit_reached. Errors besides:
// errc::closed while the pool ends; of the system when no thread can be started. The answer cannot be lost:
// it passes the bound of the loop's inbox, and the coroutine resumes in phase 1 (docs/loop.md); a loop must
// not end before. Thread rule: awaited on the loop's thread; the function runs on another and must not touch
// the loop or what belongs to it, but what it refers to stays still meanwhile. The loop names the pool
// (`loop_options::blocking`). Allocates nothing on the loop's thread, but for a stop token and where a thread
// of the pool has to be started. Name the function: g++ 12 destroys a lambda with captures that stands inside
// a co_await statement twice (docs/compilers.md).
#pragma once

#include <weir/async/flat_result.hpp>
#include <weir/async/scope.hpp>
#include <weir/async/task.hpp>
#include <weir/base/result.hpp>
#include <weir/io/blocking_pool.hpp>
#include <weir/io/cancellation.hpp>
#include <weir/io/work.hpp>

#include <concepts>
#include <coroutine>
#include <exception>
#include <functional>
#include <optional>
#include <stop_token>
#include <type_traits>
#include <utility>

namespace weir {

class loop;

/// The way through the pool and back. What runs there is the derived class's.
class offload_awaiter : private pool_work, private work, private cancel_callback {
 public:
  bool await_ready() const noexcept { return false; }
  template <class Promise>
  bool await_suspend(std::coroutine_handle<Promise> awaiting) noexcept {
    coroutine_ = awaiting;
    return begins(scope_of(awaiting));
  }

 protected:
  using callee = void (*)(offload_awaiter& self) noexcept;
  offload_awaiter(pool_class which, when_full policy, callee to_call) noexcept;
  ~offload_awaiter() = default;

  std::optional<error> failure_;
  std::stop_source stop_{std::nostopstate};

 private:
  bool begins(cancellation* scope) noexcept;
  void cancelled() noexcept;

  callee call_;
  std::coroutine_handle<> coroutine_;
  loop* loop_ = nullptr;
  pool_class class_;
  when_full policy_;
};

template <class Function>
concept heeds_stop_token = std::invocable<Function&, std::stop_token>;

template <class Function>
decltype(auto) call_with_stop(Function& function, [[maybe_unused]] std::stop_token stop) {
  if constexpr (heeds_stop_token<Function>)
    return std::invoke(function, std::move(stop));
  else
    return std::invoke(function);
}

template <class Function>
using offload_result =
    flat_result<std::decay_t<decltype(call_with_stop(std::declval<Function&>(), std::stop_token()))>>;

template <class Function>
class [[nodiscard]] offload_call : public offload_awaiter {
 public:
  offload_call(pool_class which, when_full policy, Function& function)
      : offload_awaiter(which, policy, call), function_(function) {
    if constexpr (heeds_stop_token<Function>) stop_ = std::stop_source();
  }

  offload_result<Function> await_resume() {
    if (failure_) return fail(std::move(*failure_));
    if (thrown_) std::rethrow_exception(std::move(thrown_));
    return std::move(*outcome_);
  }

 private:
  static void call(offload_awaiter& self) noexcept {
    auto& own = static_cast<offload_call&>(self);
    try {
      if constexpr (std::is_void_v<decltype(call_with_stop(own.function_, std::stop_token()))>) {
        call_with_stop(own.function_, own.stop_.get_token());
        own.outcome_.emplace();
      } else {
        own.outcome_.emplace(call_with_stop(own.function_, own.stop_.get_token()));
      }
    } catch (...) {
      own.thrown_ = std::current_exception();
    }
  }

  Function& function_;
  std::optional<offload_result<Function>> outcome_;
  std::exception_ptr thrown_;
};

/// `function`: gives T, result<T> or nothing; may take a std::stop_token.
template <class Function>
task<offload_result<Function>> offload(pool_class which, Function function,
                                       when_full policy = when_full::wait) {
  co_return co_await offload_call<Function>(which, policy, function);
}

} // namespace weir
