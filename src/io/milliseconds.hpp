// Times of loops as what knows milliseconds only.
#pragma once

#include <cstdint>

namespace weir {

/// Rounded up: a wait that ends early would turn into spinning.
constexpr std::uint64_t milliseconds_of(std::uint64_t time_ns) noexcept {
  constexpr std::uint64_t ns_per_ms = 1'000'000;
  return time_ns / ns_per_ms + (time_ns % ns_per_ms != 0);
}

} // namespace weir
