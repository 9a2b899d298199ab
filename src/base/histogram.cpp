#include <weir/base/histogram.hpp>

#include <algorithm>
#include <cmath>

namespace weir {

void histogram::merge(const histogram& other) noexcept {
  for (std::size_t i = 0; i < bucket_count; ++i)
    if (const std::uint64_t more = other.buckets_[i]; more != 0) buckets_[i] += more;
  sum_ += other.sum_;
  max_ = std::max(max_.load(), other.max_.load());
}

std::uint64_t histogram::count() const noexcept {
  std::uint64_t all = 0;
  for (const counter& each : buckets_) all += each;
  return all;
}

double histogram::mean() const noexcept {
  const std::uint64_t all = count();
  return all == 0 ? 0 : static_cast<double>(sum_.load()) / static_cast<double>(all);
}

std::uint64_t histogram::percentile(double percent) const noexcept {
  const std::uint64_t all = count();
  if (all == 0) return 0;
  const double share = std::clamp(percent, 0.0, 100.0) / 100.0;
  const auto wanted =
      std::max<std::uint64_t>(1, static_cast<std::uint64_t>(std::ceil(share * static_cast<double>(all))));
  if (wanted >= all) return max_;
  std::uint64_t seen = 0;
  for (std::size_t i = 0; i < bucket_count; ++i) {
    seen += buckets_[i];
    if (seen >= wanted) return std::min(upper_bound_of(i), max_.load());
  }
  return max_;
}

std::uint64_t histogram::count_up_to(std::uint64_t limit) const noexcept {
  const std::size_t last = bucket_of(limit);
  std::uint64_t seen = 0;
  for (std::size_t i = 0; i <= last; ++i) seen += buckets_[i];
  return seen;
}

} // namespace weir
