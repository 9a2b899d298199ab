// retry: tries again what failed for a passing reason:
// `result<stream> server = co_await retry(retry_policy(5), attempt);` where `attempt` gives a
// task<result<stream>>.
//
// Between attempts it waits at random between nothing and a ceiling that doubles from `delay_base` to
// `delay_max` ("full jitter": Brooker, "Exponential Backoff And Jitter", AWS Architecture Blog, 2015), by the
// loop's clock and the loop's random numbers. The last error comes back when the attempts are used up, when
// the error is not transient or when the budget has no retry left. In a scope that was asked to end it stops
// at once: what is under way is awaited as the task sees fit, a wait ends, and then the outcome is
// std::errc::operation_canceled. The report tells the rest. An exception of an attempt passes: it is broken
// code. Cancel-safe as the attempts are; a success is always delivered. Thread rule: the loop's thread.
// Bound: `attempts_max`, and the budget that callers share; allocates nothing. Name the callable: g++ 12
// destroys a lambda with captures that stands inside a co_await statement twice (docs/compilers.md).
#pragma once

#include <weir/async/attempt.hpp>
#include <weir/async/retry_budget.hpp>
#include <weir/async/scope.hpp>
#include <weir/async/sleep.hpp>
#include <weir/async/task.hpp>
#include <weir/base/result.hpp>
#include <weir/io/loop.hpp>

#include <chrono>
#include <cstdint>
#include <optional>

namespace weir {

/// Whether the same act may succeed a little later: refused, reset and unreachable peers, time-outs, the end
/// of a stream half-way, resources that are short. Not: cancellations, broken protocols, wrong arguments,
/// limits that are exceeded.
bool is_transient(const error& why) noexcept;

struct retry_policy {
  explicit retry_policy(unsigned attempts = 3,
                        std::chrono::nanoseconds first_delay = std::chrono::milliseconds(100),
                        std::chrono::nanoseconds longest_delay = std::chrono::seconds(10),
                        retry_budget* shared_budget = nullptr) noexcept
      : attempts_max(attempts), delay_base(first_delay), delay_max(longest_delay), budget(shared_budget) {}

  /// The wait behind the attempt numbered `attempt`, from 1: uniform over 0 to the ceiling.
  std::chrono::nanoseconds delay_after(unsigned attempt, std::uint64_t random_bits) const noexcept;

  unsigned attempts_max; ///< at least 1
  std::chrono::nanoseconds delay_base;
  std::chrono::nanoseconds delay_max;
  retry_budget* budget; ///< may be null; must outlive what uses it
  bool (*is_worth_it)(const error& why) noexcept = is_transient;
};

enum class retry_end : std::uint8_t { success, not_transient, attempts_max, budget, cancelled };

/// For whoever wants to know how it came to its outcome.
struct retry_report {
  unsigned attempts = 0;
  retry_end ended_by = retry_end::success;
  std::optional<error> last_error; ///< of the last attempt that failed, also before a success
};

/// Counts the attempts and decides after each failure. Nothing of it depends on what is tried.
class retry_course {
 public:
  retry_course(const retry_policy& policy, retry_report* report) noexcept;

  unsigned begin_attempt() noexcept;
  bool is_worth_another(const error& why) noexcept;
  /// Takes the retry out of the budget.
  bool pays_for_another() noexcept;
  std::chrono::nanoseconds delay() const noexcept;
  void end(retry_end how) noexcept { report_.ended_by = how; }

 private:
  const retry_policy& policy_;
  retry_report own_report_;
  retry_report& report_;
};

/// `make`: gives a new task<result<T>> each time; it may take the attempt's number (attempt.hpp). `report`
/// may be null.
template <makes_attempts Make>
task<attempt_result<Make>> retry(retry_policy policy, Make make, retry_report* report = nullptr) {
  retry_course course(policy, report);
  const cancellation* const scope = co_await current_cancellation();
  for (;;) {
    attempt_result<Make> outcome = co_await make_attempt(make, course.begin_attempt());
    if (outcome) {
      course.end(retry_end::success);
      co_return outcome;
    }
    if (!course.is_worth_another(outcome.error())) co_return outcome;
    const bool has_ended = scope && scope->is_requested(); // no retry follows then, and none is paid
    if (!has_ended && !course.pays_for_another()) co_return outcome;
    result<> waited = co_await sleep_for(course.delay());
    if (!waited) {
      course.end(retry_end::cancelled);
      co_return fail(std::errc::operation_canceled, "retry");
    }
  }
}

} // namespace weir
