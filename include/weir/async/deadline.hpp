// deadline: when something has to be over: a point on the loop's clock, or a time from when it starts.
// Thread rule: a value. Range: what does not fit the clock saturates to never.
#pragma once

#include <chrono>
#include <cstdint>
#include <limits>

namespace weir {

class deadline {
 public:
  static constexpr std::uint64_t never_ns = std::numeric_limits<std::uint64_t>::max();

  /// So long after the start of what takes this as its argument. Negative: at once.
  template <class Rep, class Period>
  constexpr deadline(std::chrono::duration<Rep, Period> after) noexcept
      : ns_(nanoseconds_of(after)), is_relative_(true) {}

  /// When the loop's clock shows `at`.
  static constexpr deadline at_ns(std::uint64_t at) noexcept { return deadline(at); }
  static constexpr deadline never() noexcept { return deadline(never_ns); }

  /// On the clock that shows `now_ns`; saturates.
  constexpr std::uint64_t resolve_ns(std::uint64_t now_ns) const noexcept {
    if (!is_relative_) return ns_;
    return ns_ < never_ns - now_ns ? now_ns + ns_ : never_ns;
  }

 private:
  constexpr explicit deadline(std::uint64_t at) noexcept : ns_(at), is_relative_(false) {}

  static constexpr std::uint64_t nanoseconds_of(std::chrono::nanoseconds after) noexcept {
    return after.count() > 0 ? static_cast<std::uint64_t>(after.count()) : 0;
  }

  std::uint64_t ns_;
  bool is_relative_;
};

} // namespace weir
