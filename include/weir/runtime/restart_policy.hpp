// restart_policy: how failures of supervised work are answered: started again after a growing delay, so many
// times within a window; then escalated to the owner, or given up.
//
// "Intensity" as in Erlang/OTP's supervisors: more than `restarts_max` failures within `window` mean that
// starting again does not help. The delay is retry's (full jitter); it grows with the restarts within the
// window, so that a failure after a long quiet time is answered quickly. Thread rule: a value; may be shared
// between loops while nobody changes it.
#pragma once

#include <weir/async/failure.hpp>
#include <weir/async/retry.hpp>
#include <weir/base/ring.hpp>

#include <chrono>
#include <cstdint>
#include <functional>

namespace weir {

enum class restart_decision : std::uint8_t {
  restart,
  escalate, ///< the failure is the outcome: the owner decides
  give_up,  ///< ends as if it had succeeded; only the report tells
};

struct restart_report {
  const failure& why;
  restart_decision decision;
  unsigned restarts;              ///< within the window, this one included
  std::chrono::nanoseconds delay; ///< before it starts again
};

struct restart_policy {
  explicit restart_policy(unsigned restarts = 5, std::chrono::nanoseconds within = std::chrono::minutes(1),
                          std::chrono::nanoseconds first_delay = std::chrono::milliseconds(100),
                          std::chrono::nanoseconds longest_delay = std::chrono::seconds(10)) noexcept
      : restarts_max(restarts), window(within), delay_base(first_delay), delay_max(longest_delay) {}

  /// Each failure goes to the owner.
  static restart_policy never() noexcept { return restart_policy(0); }

  unsigned restarts_max;
  std::chrono::nanoseconds window;
  std::chrono::nanoseconds delay_base;
  std::chrono::nanoseconds delay_max;
  bool (*is_worth_it)(const failure& why) noexcept = nullptr; ///< null: every failure is
  restart_decision at_limit = restart_decision::escalate;     ///< or give_up
  /// Told of each failure that is not escalated, once; that one the owner gets. On the loop of the work; must
  /// not throw.
  std::function<void(const restart_report&)> on_failure;
};

/// The restarts of one piece of work. Allocates at most `restarts_max` times of day.
class restart_course {
 public:
  explicit restart_course(const restart_policy& policy) noexcept : policy_(policy) {}

  /// At `now_ns`, by `random_bits`; reports what is not escalated.
  restart_decision decide(const failure& why, std::uint64_t now_ns, std::uint64_t random_bits);
  /// Of the last decision.
  std::chrono::nanoseconds delay() const noexcept { return delay_; }

 private:
  restart_decision judge(const failure& why, std::uint64_t now_ns, std::uint64_t random_bits);

  const restart_policy& policy_;
  ring<std::uint64_t> restarted_at_ns_; ///< within the window, oldest first
  std::chrono::nanoseconds delay_{};
};

} // namespace weir
