// event: coroutines of one loop wait until it is set.
//
// `set` resumes nobody inside: those who waited run in the deferred phase, in the order in which they came.
// Cancel-safe: a wait that was woken is a success, whatever is cancelled afterwards: the one pass of an
// automatic event is never lost. Thread rule: the loop's thread. Lifetime: outlives its waiters (asserted).
// Bound: intrusive, no memory of its own.
#pragma once

#include <weir/async/waiter.hpp>

#include <cstdint>

namespace weir {

enum class event_reset : std::uint8_t {
  automatic, ///< each `set` lets one wait pass
  manual,    ///< `set` lets all pass until `reset`
};

class event {
 public:
  explicit event(event_reset mode) noexcept : mode_(mode) {}

  void set() noexcept {
    if (mode_ == event_reset::automatic && !waiting_.empty()) return waiting_.front()->wake();
    is_set_ = true;
    while (waiter* next = waiting_.front()) next->wake();
  }
  void reset() noexcept { is_set_ = false; }
  bool is_set() const noexcept { return is_set_; }

  class wait_awaiter;
  /// `result<> outcome = co_await changed.wait();` fails only when cancelled.
  wait_awaiter wait() noexcept;

 private:
  bool try_pass() noexcept {
    if (!is_set_) return false;
    is_set_ = mode_ == event_reset::manual;
    return true;
  }

  intrusive_list<waiter, waiter> waiting_;
  event_reset mode_;
  bool is_set_ = false;
};

class [[nodiscard]] event::wait_awaiter : private waiter {
 public:
  explicit wait_awaiter(event& awaited) noexcept : waiter("event"), event_(awaited) {}

  using waiter::await_ready;
  template <class Promise>
  bool await_suspend(std::coroutine_handle<Promise> awaiting) noexcept {
    if (!enter(awaiting) || event_.try_pass()) return false;
    event_.waiting_.push_back(*this);
    waiter::wait();
    return true;
  }
  result<> await_resume() noexcept { return outcome(); }

 private:
  event& event_;
};

inline event::wait_awaiter event::wait() noexcept {
  return wait_awaiter(*this);
}

} // namespace weir
