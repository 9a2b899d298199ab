// hedge: asks again, elsewhere or anew, when an answer takes too long, and takes the first that comes (Dean
// and Barroso, "The Tail at Scale", 2013): `result<reply> first = co_await hedge(20ms, ask_any_replica);`
//
// The first attempt starts at once, a further one each time that `delay` has passed without an answer. The
// first success wins: the others are cancelled and awaited, always, and a value that one of them still brings
// is destroyed. When all that were started have failed, the error of the one that failed first comes back; a
// failure starts no attempt: for that there is retry, inside or around. An exception of an attempt ends the
// others and passes, also when it comes from a loser after the first success, whose value is lost then: it is
// broken code. Only for acts that may be done twice. Cancel-safe as the attempts are: a cancellation reaches
// all of them, and no cancellation takes a success away. Thread rule: the loop's thread. Bound:
// `attempts_max` at once; a budget, shared with others, keeps the extra load a fraction. Allocates nothing.
// Name the callable: g++ 12 destroys a lambda with captures that stands inside a co_await statement twice
// (docs/compilers.md).
#pragma once

#include <weir/async/attempt.hpp>
#include <weir/async/retry_budget.hpp>
#include <weir/async/sleep.hpp>
#include <weir/async/task.hpp>
#include <weir/async/with_nursery.hpp>
#include <weir/base/result.hpp>

#include <cassert>
#include <chrono>
#include <optional>
#include <utility>

namespace weir {

struct hedge_policy {
  /// Implicit: a delay alone is a policy. It should lie at a high percentile of the usual time (p95).
  template <class Rep, class Period>
  hedge_policy(std::chrono::duration<Rep, Period> before_another, unsigned attempts = 2,
               retry_budget* shared_budget = nullptr) noexcept
      : delay(before_another), attempts_max(attempts), budget(shared_budget) {}

  std::chrono::nanoseconds delay;
  unsigned attempts_max; ///< at least 1
  retry_budget* budget;  ///< may be null; further attempts are its retries
};

/// The outcomes of attempts that run side by side, each told once.
template <class Outcome>
class hedge_race {
 public:
  void started_in(nursery& attempts) noexcept {
    attempts_ = &attempts;
    ++running_;
  }
  void ended(Outcome&& outcome) {
    --running_;
    if (!best_ || (outcome && !*best_)) best_.emplace(std::move(outcome));
    if (*best_ || running_ == 0) attempts_->cancel();
  }
  std::optional<Outcome>& best() noexcept { return best_; }

 private:
  nursery* attempts_ = nullptr;
  std::optional<Outcome> best_; ///< the first success, else the first failure
  unsigned running_ = 0;
};

template <makes_attempts Make>
task<> hedged_attempt(hedge_race<attempt_result<Make>>& race, Make& make, unsigned number) {
  attempt_result<Make> outcome = co_await make_attempt(make, number);
  race.ended(std::move(outcome));
}

/// `make`: gives a new task<result<T>> each time; it may take the attempt's number (attempt.hpp).
template <makes_attempts Make>
task<attempt_result<Make>> hedge(hedge_policy policy, Make make) {
  assert(policy.attempts_max > 0);
  hedge_race<attempt_result<Make>> race;
  auto start_one_by_one = [&](nursery& attempts) -> task<> {
    if (policy.budget) policy.budget->deposit();
    for (unsigned number = 1;; ++number) {
      race.started_in(attempts);
      result<> spawned = co_await attempts.spawn(hedged_attempt(race, make, number));
      if (!spawned || number == policy.attempts_max) break;
      result<> waited = co_await sleep_for(policy.delay); // ends early when the race does
      if (!waited || (policy.budget && !policy.budget->try_withdraw())) break;
    }
  };
  [[maybe_unused]] result<> raced =
      co_await with_nursery(nursery_options(policy.attempts_max), start_one_by_one);
  cancellation* scope = co_await current_cancellation();
  const bool has_won = race.best() && *race.best();
  if (!has_won && (!race.best() || (scope && scope->is_requested())))
    co_return fail(std::errc::operation_canceled, "hedge");
  co_return std::move(*race.best());
}

} // namespace weir
