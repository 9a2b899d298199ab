// supervise: keeps work going that fails: starts it again as its policy says (restart_policy.hpp).
//
//   auto feed = [&] { return follow(quotes); };                        // one task
//   result<> outcome = co_await supervise(restart_policy(5, 1min), feed);
//
// It is a task, and so everything that a task can be is supervised alike. A nursery: supervise
// `with_nursery(…)`; its policy decides whether one child ends all (propagate: all start anew together) or
// ends alone (isolate); spawn `supervise(policy, child)` into it, and each child is restarted alone, and
// escalates to the nursery when that does not help. A loop: `loop_group::run` takes a policy for the root of
// each loop. An escalation is an ordinary failure of this task: its error is the outcome, its exception
// passes.
//
// Each failure is told once: to `on_failure`, or, where it is escalated, to the owner. In a scope that was
// asked to end nothing is started again: the outcome is that of the attempt, or the cancellation. Thread
// rule: the loop's thread. Bound: the policy's; a delay between failures, so that work which fails at once
// does not spin. Name the callable: g++ 12 destroys a lambda with captures that stands inside a co_await
// statement twice (docs/compilers.md).
#pragma once

#include <weir/async/scope.hpp>
#include <weir/async/sleep.hpp>
#include <weir/async/task.hpp>
#include <weir/io/loop.hpp>
#include <weir/runtime/restart_policy.hpp>

#include <concepts>
#include <exception>
#include <optional>
#include <utility>

namespace weir {

/// Awaits it; how it failed, if it did.
template <class T>
task<std::optional<failure>> failure_of(task<T> attempt) {
  std::optional<failure> why;
  try {
    if constexpr (std::is_void_v<T>) {
      co_await std::move(attempt);
    } else {
      T outcome = co_await std::move(attempt);
      if (!outcome) why.emplace(std::move(outcome).error());
    }
  } catch (...) {
    why.emplace(std::current_exception());
  }
  co_return why;
}

/// `make`: gives a new task<> or task<result<>> each time.
template <std::invocable Make>
task<result<>> supervise(restart_policy policy, Make make) {
  restart_course course(policy);
  const cancellation* const scope = co_await current_cancellation();
  for (;;) {
    std::optional<failure> why = co_await failure_of(make());
    if (!why) co_return result<>();
    if (scope && scope->is_requested()) co_return std::move(*why).deliver();
    switch (course.decide(*why, loop::current()->now_ns(), loop::current()->random())) {
    case restart_decision::escalate:
      co_return std::move(*why).deliver();
    case restart_decision::give_up:
      co_return result<>();
    case restart_decision::restart:
      break;
    }
    result<> slept = co_await sleep_for(course.delay());
    if (!slept) co_return slept;
  }
}

} // namespace weir
