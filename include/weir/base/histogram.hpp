// histogram: how often which values were seen, in buckets of a fixed relative width: log-linear, as in HDR
// Histogram (G. Tene). Each power of two is cut into 16, so a value and what `percentile` says of it differ
// by less than 1/16; values below 32 are exact.
//
// Bound: 5.3 KiB, whatever is recorded; 2^44 (4.8 hours in nanoseconds) and above count in the last bucket.
// Thread rule: one thread records, or merges into it; any thread may read or copy it meanwhile, without
// locks. A copy that is made meanwhile may lack the last values, or have a value in its buckets and not in
// its sum yet. Recording costs a few nanoseconds and no atomic read-modify-write.
#pragma once

#include <weir/base/single_writer.hpp>

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>

namespace weir {

class histogram {
 public:
  static constexpr unsigned part_bits = 4; ///< a power of two is cut into 2^part_bits
  static constexpr unsigned value_bits = 44;
  static constexpr std::size_t bucket_count = std::size_t{value_bits - part_bits + 1} << part_bits;

  void record(std::uint64_t value) noexcept {
    ++buckets_[bucket_of(value)];
    sum_ += value;
    if (value > max_) max_ = value;
  }

  /// Adds what another has seen.
  void merge(const histogram& other) noexcept;

  /// Of a histogram that is being recorded to: of one moment or another.
  std::uint64_t count() const noexcept;
  std::uint64_t sum() const noexcept { return sum_; }
  std::uint64_t max() const noexcept { return max_; }
  double mean() const noexcept;

  /// The least value that at least `percent` of all values do not exceed, up to the width of its bucket; 0
  /// of none. 100 gives the highest value exactly.
  std::uint64_t percentile(double percent) const noexcept;
  /// How many values are at most `limit`, which should be an upper bound of a bucket: others are rounded up
  /// to one.
  std::uint64_t count_up_to(std::uint64_t limit) const noexcept;

  static constexpr std::size_t bucket_of(std::uint64_t value) noexcept {
    constexpr std::uint64_t parts = std::uint64_t{1} << part_bits;
    if (value < 2 * parts) return static_cast<std::size_t>(value);
    if (value >> value_bits != 0) return bucket_count - 1;
    const auto shift = static_cast<unsigned>(std::bit_width(value)) - part_bits - 1;
    return static_cast<std::size_t>((std::uint64_t{shift} << part_bits) + (value >> shift));
  }
  /// The highest value that counts in that bucket.
  static constexpr std::uint64_t upper_bound_of(std::size_t bucket) noexcept {
    constexpr std::size_t parts = std::size_t{1} << part_bits;
    if (bucket < 2 * parts) return bucket;
    const std::size_t shift = (bucket >> part_bits) - 1;
    const std::uint64_t part = (bucket & (parts - 1)) + parts;
    return ((part + 1) << shift) - 1;
  }

 private:
  counter sum_; // beside the lowest buckets: small values touch one cache line
  counter max_;
  std::array<counter, bucket_count> buckets_{};
};

} // namespace weir
