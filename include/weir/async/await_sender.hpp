// await_sender: a sender of [exec], of weir or of another library, awaited in a task. Part of senders.hpp,
// which has the contract.
#pragma once

#include <weir/async/loop_scheduler.hpp>
#include <weir/async/scope.hpp>
#include <weir/async/sender_names.hpp>
#include <weir/async/stop_bridge.hpp>
#include <weir/base/result.hpp>
#include <weir/io/cancellation.hpp>
#include <weir/io/loop.hpp>
#include <weir/io/work.hpp>

#include <cassert>
#include <coroutine>
#include <exception>
#include <optional>
#include <system_error>
#include <tuple>
#include <type_traits>
#include <utility>

namespace weir {

/// What a task gets of the completion signatures of a sender: the one that has values counts.
template <class Signature>
struct values_of {
  using type = std::tuple<>;
};
template <class... Values>
struct values_of<exec::set_value_t(Values...)> {
  static constexpr bool is_value = true;
  using type = std::tuple<std::tuple<std::decay_t<Values>...>>;
};
template <class All>
struct single_value {
  static_assert(std::tuple_size_v<All> == 1, "a sender that is awaited has one way to complete with a value");
  using tuple = std::tuple_element_t<0, All>;
};
template <class Tuple>
struct unpacked {
  using type = Tuple;
};
template <>
struct unpacked<std::tuple<>> {
  using type = void;
};
template <class T>
struct unpacked<std::tuple<T>> {
  using type = T;
};
template <class Signatures>
struct awaited_value;
template <class... Signatures>
struct awaited_value<exec::completion_signatures<Signatures...>> {
  using all = decltype(std::tuple_cat(std::declval<typename values_of<Signatures>::type>()...));
  using type = typename unpacked<typename single_value<all>::tuple>::type;
};

/// What the sender may ask its receiver for.
struct await_env {
  scope_stop_source::token query(get_stop_token_t) const noexcept { return token; }
  loop_scheduler query(exec::get_scheduler_t) const noexcept { return scheduler; }
  scope_stop_source::token token;
  loop_scheduler scheduler;
};

/// Independent of the sender: waits for a completion that comes on any thread.
class sender_wait : private work, private cancel_callback {
 public:
  bool await_ready() const noexcept { return false; }

 protected:
  explicit sender_wait(loop& on) noexcept
      : work([](work& self) noexcept { static_cast<sender_wait&>(self).resume(); }),
        cancel_callback(
            [](cancel_callback& self) noexcept { static_cast<sender_wait&>(self).stop_.request(); }),
        loop_(on) {}
  ~sender_wait() = default;

  /// False: the scope was asked to end already.
  bool enter(std::coroutine_handle<> awaiting, cancellation* scope) noexcept {
    if (scope && scope->is_requested()) return false;
    coroutine_ = awaiting;
    if (scope) scope->add(*this);
    loop_.expect_answer();
    is_starting_ = true;
    return true;
  }
  /// False: it completed while it was started.
  bool started() noexcept {
    is_starting_ = false;
    if (!is_complete_) return true;
    leave();
    return false;
  }
  /// On any thread, last.
  void completed() noexcept {
    if (loop::current() != &loop_) return loop_.post_answer(*this);
    is_complete_ = true;
    if (!is_starting_) loop_.resume_soon(*this); // not here: this may be inside of `cancellation::request`
  }

  await_env env() noexcept { return {scope_stop_source::token(stop_), loop_scheduler(loop_)}; }

 private:
  void leave() noexcept {
    cancel_callback::unlink();
    loop_.answer_taken();
  }
  void resume() noexcept {
    leave();
    coroutine_.resume();
  }

  loop& loop_;
  std::coroutine_handle<> coroutine_;
  scope_stop_source stop_;
  bool is_starting_ = false; ///< this and the next: of the loop's thread
  bool is_complete_ = false;
};

template <class Sender>
class [[nodiscard]] sender_awaiter : public sender_wait {
  class receiver;
  using value_type = typename awaited_value<exec::completion_signatures_of_t<Sender, await_env>>::type;

 public:
  explicit sender_awaiter(Sender&& what, loop& on)
      : sender_wait(on), operation_(exec::connect(std::forward<Sender>(what), receiver(*this))) {}

  template <class Promise>
  bool await_suspend(std::coroutine_handle<Promise> awaiting) noexcept {
    if (!enter(awaiting, scope_of(awaiting))) {
      failure_ = cancellation_error();
      return false;
    }
    exec::start(operation_);
    return started();
  }

  result<value_type> await_resume() {
    if (thrown_) std::rethrow_exception(std::move(thrown_));
    if (failure_) return fail(std::move(*failure_));
    if constexpr (std::is_void_v<value_type>)
      return {};
    else
      return std::move(*value_);
  }

 private:
  static error cancellation_error() noexcept { return error(std::errc::operation_canceled, "sender"); }

  void fail_with(error why) noexcept { failure_ = std::move(why); }
  void fail_with(std::error_code why) noexcept { failure_.emplace(why, "sender"); }
  void fail_with(std::exception_ptr why) noexcept { thrown_ = std::move(why); }
  template <class Other>
  void fail_with(Other why) noexcept {
    thrown_ = std::make_exception_ptr(std::move(why));
  }

  struct nothing {};
  std::optional<std::conditional_t<std::is_void_v<value_type>, nothing, value_type>> value_;
  std::optional<error> failure_;
  std::exception_ptr thrown_;
  exec::connect_result_t<Sender, receiver> operation_;
};

template <class Sender>
class sender_awaiter<Sender>::receiver {
 public:
  using receiver_concept = exec::receiver_tag;
  explicit receiver(sender_awaiter& of) noexcept : awaiter_(&of) {}

  template <class... Values>
  void set_value(Values&&... values) && noexcept {
    try {
      if constexpr (sizeof...(Values) > 0) awaiter_->value_.emplace(std::forward<Values>(values)...);
    } catch (...) {
      awaiter_->thrown_ = std::current_exception();
    }
    awaiter_->completed();
  }
  template <class Why>
  void set_error(Why&& why) && noexcept {
    awaiter_->fail_with(std::forward<Why>(why));
    awaiter_->completed();
  }
  void set_stopped() && noexcept {
    awaiter_->failure_ = cancellation_error();
    awaiter_->completed();
  }
  await_env get_env() const noexcept { return awaiter_->env(); }

 private:
  sender_awaiter* awaiter_;
};

/// `result<int> value = co_await await_sender(std::move(answer));`
template <class Sender>
sender_awaiter<Sender> await_sender(Sender&& what) {
  static_assert(exec::sender<Sender>);
  loop* const here = loop::current();
  assert(here && "a sender is awaited on a loop");
  return sender_awaiter<Sender>(std::forward<Sender>(what), *here);
}

} // namespace weir
