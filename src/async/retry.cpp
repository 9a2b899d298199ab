#include <weir/async/retry.hpp>

#include <algorithm>
#include <array>
#include <cassert>
#include <limits>

namespace weir {
namespace {

constexpr std::array transient_errors{
    std::errc::connection_refused,  std::errc::connection_reset,    std::errc::connection_aborted,
    std::errc::broken_pipe,         std::errc::timed_out,           std::errc::host_unreachable,
    std::errc::network_unreachable, std::errc::network_down,        std::errc::network_reset,
    std::errc::interrupted,         std::errc::not_enough_memory,   std::errc::resource_unavailable_try_again,
    std::errc::no_buffer_space,     std::errc::too_many_files_open, std::errc::too_many_files_open_in_system,
};

} // namespace

bool is_transient(const error& why) noexcept {
  if (why == errc::end_of_stream) return true;
  if (why == errc::unroutable) return false; // equal to host_unreachable, but a matter of the message
  return std::ranges::any_of(transient_errors, [&](std::errc each) { return why == each; });
}

std::chrono::nanoseconds retry_policy::delay_after(unsigned attempt,
                                                   std::uint64_t random_bits) const noexcept {
  const auto longest = static_cast<std::uint64_t>(std::max(delay_max.count(), {}));
  const auto base = static_cast<std::uint64_t>(std::max(delay_base.count(), {}));
  const unsigned doublings = attempt - 1;
  const bool is_capped = doublings >= 63 || base > longest >> doublings;
  const std::uint64_t ceiling = is_capped ? longest : base << doublings;
  return std::chrono::nanoseconds(random_bits % (ceiling + 1));
}

retry_course::retry_course(const retry_policy& policy, retry_report* report) noexcept
    : policy_(policy), report_(report ? *report : own_report_) {
  assert(policy_.attempts_max > 0);
  report_ = retry_report();
}

unsigned retry_course::begin_attempt() noexcept {
  if (report_.attempts == 0 && policy_.budget) policy_.budget->deposit();
  return ++report_.attempts;
}

bool retry_course::is_worth_another(const error& why) noexcept {
  report_.last_error = why;
  if (why.is_cancelled())
    report_.ended_by = retry_end::cancelled;
  else if (!policy_.is_worth_it(why))
    report_.ended_by = retry_end::not_transient;
  else if (report_.attempts >= policy_.attempts_max)
    report_.ended_by = retry_end::attempts_max;
  else
    return true;
  return false;
}

bool retry_course::pays_for_another() noexcept {
  if (!policy_.budget || policy_.budget->try_withdraw()) return true;
  report_.ended_by = retry_end::budget;
  return false;
}

std::chrono::nanoseconds retry_course::delay() const noexcept {
  return policy_.delay_after(report_.attempts, loop::current()->random());
}

} // namespace weir
