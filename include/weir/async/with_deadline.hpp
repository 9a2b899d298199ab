// with_deadline: a task that is cancelled when its time is up:
// `auto reply = co_await with_deadline(2s, ask(peer));`
//
// At expiry everything that the task waits for gives std::errc::operation_canceled; the task is awaited,
// always. When it then ends with a cancellation, that becomes std::errc::timed_out; every other outcome is
// delivered as it is, so a success that races with the deadline is a success. Nesting: a deadline turns only
// its own cancellation into a time-out; one that comes from outside stays a cancellation. A deadline that is
// past when the task starts lets it run up to the first thing that it waits for.
#pragma once

#include <weir/async/deadline.hpp>
#include <weir/async/task.hpp>
#include <weir/base/result.hpp>
#include <weir/io/cancellation.hpp>
#include <weir/io/loop.hpp>
#include <weir/io/timer.hpp>

#include <cassert>
#include <cstdint>

namespace weir {

/// A scope that asks itself to end at a time. Thread rule and lifetime: those of cancellation.
class deadline_scope : public cancellation, private timer {
 public:
  deadline_scope(cancellation* parent, deadline when) noexcept
      : cancellation(parent),
        timer([](timer& self) noexcept { static_cast<deadline_scope&>(self).expire(); }) {
    assert(loop::current() && "a deadline runs on a loop");
    loop& on = *loop::current();
    const std::uint64_t at_ns = when.resolve_ns(on.now_ns());
    if (at_ns <= on.now_ns())
      expire();
    else if (at_ns != deadline::never_ns)
      on.arm(*this, at_ns);
  }

  /// The deadline came, and before any other cancellation.
  bool has_expired() const noexcept { return has_expired_; }

 private:
  void expire() noexcept {
    has_expired_ = !is_requested();
    request();
  }

  bool has_expired_ = false;
};

/// A duration runs from when this is awaited.
template <class T>
task<result<T>> with_deadline(deadline when, task<result<T>> limited) {
  deadline_scope scope(co_await current_cancellation(), when);
  result<T> outcome = co_await std::move(limited).under(&scope);
  if (!outcome && outcome.error().is_cancelled() && scope.has_expired())
    outcome = fail(std::errc::timed_out, outcome.error().operation());
  co_return outcome;
}

} // namespace weir
