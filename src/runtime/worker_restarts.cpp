#include "worker_restarts.hpp"

namespace weir {
namespace {

std::uint64_t nanoseconds_of(std::chrono::nanoseconds time) noexcept {
  return time.count() > 0 ? static_cast<std::uint64_t>(time.count()) : 0;
}

} // namespace

worker_restarts::worker_restarts(const master_options& options)
    : delays_(1, options.restart_delay, options.restart_delay_max), young_ns_(nanoseconds_of(options.young)),
      window_ns_(nanoseconds_of(options.restarts_within)), failures_max_(options.restarts_max),
      failed_young_(options.workers) {}

std::optional<std::chrono::nanoseconds> worker_restarts::after_failure(unsigned number,
                                                                       std::uint64_t started_ns,
                                                                       std::uint64_t now_ns,
                                                                       std::uint64_t random_bits) {
  while (!failures_ns_.empty() && now_ns - failures_ns_.front() >= window_ns_) failures_ns_.pop_front();
  if (failures_ns_.size() >= failures_max_) return std::nullopt;
  failures_ns_.push_back(now_ns);

  unsigned& in_a_row = failed_young_[number];
  in_a_row = now_ns - started_ns < young_ns_ ? in_a_row + 1 : 1;
  if (in_a_row == 1) return std::chrono::nanoseconds(0);
  return delays_.delay_after(in_a_row - 1, random_bits);
}

} // namespace weir
