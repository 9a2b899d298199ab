// copy_short: memcpy for a few hundred bytes at most whose number is known only at run time. It is no call,
// so that a function whose usual way ends in a short copy keeps all it has in registers that nobody saves.
//
// The ranges must not overlap; nothing outside of them is touched. Where there are many bytes memcpy is
// faster.
#pragma once

#include <cstddef>
#include <cstring>

namespace weir {

/// At least `Size` bytes and at most twice as many: the first ones and the last ones, which meet or overlap.
template <std::size_t Size>
inline void copy_ends(std::byte* to, const std::byte* from, std::size_t count) noexcept {
  std::memcpy(to, from, Size);
  std::memcpy(to + count - Size, from + count - Size, Size);
}

inline void copy_short(std::byte* to, const std::byte* from, std::size_t count) noexcept {
  constexpr std::size_t step = 32;
  for (; count > 2 * step; count -= step, to += step, from += step) std::memcpy(to, from, step);
  if (count >= 32) return copy_ends<32>(to, from, count);
  if (count >= 16) return copy_ends<16>(to, from, count);
  if (count >= 8) return copy_ends<8>(to, from, count);
  if (count >= 4) return copy_ends<4>(to, from, count);
  if (count >= 2) return copy_ends<2>(to, from, count);
  if (count == 1) *to = *from;
}

} // namespace weir
