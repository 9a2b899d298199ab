// What a program with senders brings along, as small as can be: a receiver that writes down what it is told,
// `then`, `starts_on` and `sync_wait`, after [exec] of C++26 and of nothing of weir but its names.
#pragma once

#include <weir/async/sender_names.hpp>

#include <condition_variable>
#include <exception>
#include <mutex>
#include <optional>
#include <stop_token>
#include <string>
#include <type_traits>
#include <utility>

namespace weir::test {

/// What a receiver was told, and how often.
template <class T>
struct told {
  std::optional<T> value;
  std::string error;
  bool was_stopped = false;
  int times = 0;
};

struct stoppable_env {
  std::stop_token query(get_stop_token_t) const noexcept { return token; }
  std::stop_token token;
};

/// `Told` is a told<T>; for a sender without a value, told<bool>.
template <class T>
class noting_receiver {
 public:
  using receiver_concept = exec::receiver_tag;
  explicit noting_receiver(told<T>& into, std::stop_token token = {}) noexcept
      : told_(&into), token_(std::move(token)) {}

  template <class... Value>
  void set_value(Value&&... value) && noexcept {
    ++told_->times;
    if constexpr (sizeof...(Value) == 0)
      told_->value.emplace(true);
    else
      told_->value.emplace(std::forward<Value>(value)...);
  }
  template <class Why>
  void set_error(Why&& why) && noexcept {
    ++told_->times;
    if constexpr (std::is_same_v<std::remove_cvref_t<Why>, std::exception_ptr>) {
      try {
        std::rethrow_exception(why);
      } catch (const std::exception& thrown) {
        told_->error = std::string("thrown: ") + thrown.what();
      }
    } else {
      told_->error = why.message();
    }
  }
  void set_stopped() && noexcept {
    ++told_->times;
    told_->was_stopped = true;
  }
  stoppable_env get_env() const noexcept { return {token_}; }

 private:
  told<T>* told_;
  std::stop_token token_;
};

// --- then ---

template <class Receiver, class Function>
class then_receiver {
 public:
  using receiver_concept = exec::receiver_tag;
  then_receiver(Receiver to, Function function) noexcept
      : to_(std::move(to)), function_(std::move(function)) {}

  template <class... Value>
  void set_value(Value&&... value) && noexcept {
    exec::set_value(std::move(to_), function_(std::forward<Value>(value)...));
  }
  template <class Why>
  void set_error(Why&& why) && noexcept {
    exec::set_error(std::move(to_), std::forward<Why>(why));
  }
  void set_stopped() && noexcept { exec::set_stopped(std::move(to_)); }
  auto get_env() const noexcept { return exec::get_env(to_); }

 private:
  Receiver to_;
  Function function_;
};

template <class Signatures, class Function>
struct then_signatures;
template <class Signature, class Function>
struct then_signature {
  using type = Signature;
};
template <class Function, class... Values>
struct then_signature<exec::set_value_t(Values...), Function> {
  using type = exec::set_value_t(std::invoke_result_t<Function, Values...>);
};
template <class Function, class... Signatures>
struct then_signatures<exec::completion_signatures<Signatures...>, Function> {
  using type = exec::completion_signatures<typename then_signature<Signatures, Function>::type...>;
};

template <class Sender, class Function>
class then_sender {
 public:
  using sender_concept = exec::sender_tag;
  using completion_signatures =
      typename then_signatures<exec::completion_signatures_of_t<Sender>, Function>::type;
  then_sender(Sender of, Function function) : of_(std::move(of)), function_(std::move(function)) {}

  template <class Receiver>
  auto connect(Receiver to) && {
    return exec::connect(std::move(of_),
                         then_receiver<Receiver, Function>(std::move(to), std::move(function_)));
  }

 private:
  Sender of_;
  Function function_;
};
template <class Sender, class Function>
then_sender<Sender, Function> then(Sender of, Function function) {
  return {std::move(of), std::move(function)};
}

// --- starts_on ---

template <class Scheduler, class Sender, class Receiver>
class starts_on_operation {
 public:
  using operation_state_concept = exec::operation_state_tag;
  starts_on_operation(Scheduler on, Sender what, Receiver to)
      : what_(std::move(what)), to_(std::move(to)),
        arrival_(exec::connect(exec::schedule(on), arrived(*this))) {}

  void start() & noexcept { exec::start(arrival_); }

 private:
  class arrived {
   public:
    using receiver_concept = exec::receiver_tag;
    explicit arrived(starts_on_operation& of) noexcept : of_(&of) {}
    void set_value() && noexcept { of_->begin(); }
    template <class Why>
    void set_error(Why&& why) && noexcept {
      exec::set_error(std::move(of_->to_), std::forward<Why>(why));
    }
    void set_stopped() && noexcept { exec::set_stopped(std::move(of_->to_)); }
    auto get_env() const noexcept { return exec::get_env(of_->to_); }

   private:
    starts_on_operation* of_;
  };
  using child = exec::connect_result_t<Sender, Receiver>;
  struct emplace_from {
    starts_on_operation& of;
    operator child() const { return exec::connect(std::move(of.what_), std::move(of.to_)); }
  };

  void begin() noexcept { exec::start(child_.emplace(emplace_from{*this})); }

  Sender what_;
  Receiver to_;
  std::optional<child> child_;
  exec::connect_result_t<decltype(exec::schedule(std::declval<Scheduler>())), arrived> arrival_;
};

template <class Scheduler, class Sender>
class starts_on_sender {
 public:
  using sender_concept = exec::sender_tag;
  using completion_signatures = exec::completion_signatures_of_t<Sender>;
  starts_on_sender(Scheduler on, Sender what) : on_(on), what_(std::move(what)) {}

  template <class Receiver>
  starts_on_operation<Scheduler, Sender, Receiver> connect(Receiver to) && {
    return {on_, std::move(what_), std::move(to)};
  }

 private:
  Scheduler on_;
  Sender what_;
};
template <class Scheduler, class Sender>
starts_on_sender<Scheduler, Sender> starts_on(Scheduler on, Sender what) {
  return {on, std::move(what)};
}

// --- sync_wait ---

template <class T>
class waiting_receiver : public noting_receiver<T> {
 public:
  struct gate {
    std::mutex lock;
    std::condition_variable opened;
    bool is_open = false;
  };
  waiting_receiver(told<T>& into, gate& behind, std::stop_token token) noexcept
      : noting_receiver<T>(into, std::move(token)), gate_(&behind) {}

  template <class... Value>
  void set_value(Value&&... value) && noexcept {
    std::move(*this).noting_receiver<T>::set_value(std::forward<Value>(value)...);
    open();
  }
  template <class Why>
  void set_error(Why&& why) && noexcept {
    std::move(*this).noting_receiver<T>::set_error(std::forward<Why>(why));
    open();
  }
  void set_stopped() && noexcept {
    std::move(*this).noting_receiver<T>::set_stopped();
    open();
  }

 private:
  void open() noexcept {
    const std::lock_guard guard(gate_->lock);
    gate_->is_open = true;
    gate_->opened.notify_one();
  }
  gate* gate_;
};

/// Blocks this thread until `what` has completed, on another one.
template <class T, class Sender>
told<T> sync_wait(Sender what, std::stop_token token = {}) {
  told<T> outcome;
  typename waiting_receiver<T>::gate gate;
  auto operation = exec::connect(std::move(what), waiting_receiver<T>(outcome, gate, std::move(token)));
  exec::start(operation);
  std::unique_lock guard(gate.lock);
  gate.opened.wait(guard, [&] { return gate.is_open; });
  return outcome;
}

} // namespace weir::test
