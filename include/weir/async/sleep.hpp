// sleep: lets time pass on the loop's clock: `co_await sleep_for(10ms);` Never early; late by at most a tick
// of the timer wheel and the turn that is under way. What is past already ends at the next turn.
//
// Cancel-safe: the outcome is then std::errc::operation_canceled, and the timer is gone. Resumes in phase 2
// of docs/loop.md, sleepers of one tick in the order in which they fell asleep.
#pragma once

#include <weir/async/deadline.hpp>
#include <weir/async/waiter.hpp>
#include <weir/io/timer.hpp>

#include <chrono>
#include <cstdint>

namespace weir {

class [[nodiscard]] sleep_awaiter : private waiter, private timer {
 public:
  explicit sleep_awaiter(deadline until) noexcept : waiter("sleep"), timer(expired), until_(until) {}

  using waiter::await_ready;
  template <class Promise>
  bool await_suspend(std::coroutine_handle<Promise> awaiting) noexcept {
    if (!enter(awaiting)) return false;
    wait();
    loop& on = *loop::current();
    on.arm(*this, until_.resolve_ns(on.now_ns()));
    return true;
  }
  result<> await_resume() noexcept { return outcome(); }

 private:
  static void expired(timer& self) noexcept {
    auto& sleeper = static_cast<sleep_awaiter&>(self);
    if (sleeper.is_waiting()) sleeper.resume_now(); // else it was cancelled, and its turn comes
  }

  deadline until_;
};

inline sleep_awaiter sleep_for(std::chrono::nanoseconds duration) noexcept {
  return sleep_awaiter(duration);
}
/// Until the loop's clock shows `at_ns`.
inline sleep_awaiter sleep_until_ns(std::uint64_t at_ns) noexcept {
  return sleep_awaiter(deadline::at_ns(at_ns));
}

} // namespace weir
