// loop_scheduler: a loop as a scheduler of [exec]: the way of a sender chain onto the loop's thread. Part of
// senders.hpp, which has the contract.
//
// `schedule()` completes in phase 1 of a turn (docs/loop.md). Started on any thread. At the bound of the
// loop's inbox it completes at once, where it was started, with errc::limit_reached; with set_stopped where a
// stop was requested before its turn came. Lifetime: the loop outlives what was scheduled, and turns.
#pragma once

#include <weir/async/sender_names.hpp>
#include <weir/base/error.hpp>
#include <weir/io/loop.hpp>
#include <weir/io/work.hpp>

#include <concepts>
#include <utility>

namespace weir {

class loop_scheduler {
 public:
  using scheduler_concept = exec::scheduler_tag;

  explicit loop_scheduler(loop& on) noexcept : loop_(&on) {}

  class sender;
  sender schedule() const noexcept;
  bool operator==(const loop_scheduler&) const noexcept = default;

 private:
  template <class Receiver>
  class operation;
  loop* loop_;
};

template <class Receiver>
class loop_scheduler::operation : private work {
 public:
  using operation_state_concept = exec::operation_state_tag;

  operation(loop& on, Receiver to)
      : work([](work& self) noexcept { static_cast<operation&>(self).arrived(); }), loop_(on),
        receiver_(std::move(to)) {}

  void start() & noexcept {
    if (!loop_.post(*this)) exec::set_error(std::move(receiver_), error(errc::limit_reached, "schedule"));
  }

 private:
  void arrived() noexcept {
    if (get_stop_token(exec::get_env(receiver_)).stop_requested())
      exec::set_stopped(std::move(receiver_));
    else
      exec::set_value(std::move(receiver_));
  }

  loop& loop_;
  Receiver receiver_;
};

class [[nodiscard]] loop_scheduler::sender {
 public:
  using sender_concept = exec::sender_tag;
  using completion_signatures =
      exec::completion_signatures<exec::set_value_t(), exec::set_error_t(error), exec::set_stopped_t()>;

  /// Values come on the loop, and so does the end by a stop.
  struct env {
    template <class Completion, class... Env>
      requires(!std::same_as<Completion, exec::set_error_t>)
    loop_scheduler query(exec::get_completion_scheduler_t<Completion>, const Env&...) const noexcept {
      return on;
    }
    loop_scheduler on;
  };

  explicit sender(loop_scheduler on) noexcept : on_(on) {}

  template <exec::receiver Receiver>
  operation<Receiver> connect(Receiver to) const {
    return {*on_.loop_, std::move(to)};
  }
  env get_env() const noexcept { return env{on_}; }

 private:
  loop_scheduler on_;
};

inline loop_scheduler::sender loop_scheduler::schedule() const noexcept {
  return sender(*this);
}

} // namespace weir
