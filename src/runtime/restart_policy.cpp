#include <weir/runtime/restart_policy.hpp>

namespace weir {

restart_decision restart_course::decide(const failure& why, std::uint64_t now_ns, std::uint64_t random_bits) {
  const restart_decision decision = judge(why, now_ns, random_bits);
  if (decision != restart_decision::escalate && policy_.on_failure)
    policy_.on_failure({why, decision, static_cast<unsigned>(restarted_at_ns_.size()), delay_});
  return decision;
}

restart_decision restart_course::judge(const failure& why, std::uint64_t now_ns, std::uint64_t random_bits) {
  delay_ = {};
  if (policy_.is_worth_it && !policy_.is_worth_it(why)) return policy_.at_limit;
  const auto window_ns = static_cast<std::uint64_t>(policy_.window.count());
  while (!restarted_at_ns_.empty() && now_ns - restarted_at_ns_.front() > window_ns)
    restarted_at_ns_.pop_front();
  if (restarted_at_ns_.size() >= policy_.restarts_max) return policy_.at_limit;

  restarted_at_ns_.push_back(std::uint64_t{now_ns});
  const retry_policy backoff(policy_.restarts_max, policy_.delay_base, policy_.delay_max);
  delay_ = backoff.delay_after(static_cast<unsigned>(restarted_at_ns_.size()), random_bits);
  return restart_decision::restart;
}

} // namespace weir
