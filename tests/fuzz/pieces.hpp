// Streams cut into pieces, as fuzzers feed them to whatever reads streams.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <span>
#include <vector>

namespace weir::fuzz {

using bytes = std::span<const std::byte>;
using octets = std::vector<std::byte>;

inline void require(bool invariant, const char* text) {
  if (invariant) return;
  std::fprintf(stderr, "broken invariant: %s\n", text);
  std::abort();
}

inline octets copy_of(bytes from) {
  return {from.begin(), from.end()};
}

/// The high bits are the random ones.
inline std::uint64_t next_random(std::uint64_t& state) {
  return state = state * 6364136223846793005U + 1442695040888963407U;
}

/// Where to cut a stream: nowhere, everywhere, or at places that the input decides.
class knife {
 public:
  explicit knife(std::uint64_t seed) : state_(seed) {}
  std::size_t next(std::size_t left) {
    if (state_ == whole) return left;
    if (state_ == single_bytes) return 1;
    const std::uint64_t random = next_random(state_);
    const std::size_t piece = 1 + ((random >> 33) & ((random >> 60) % 2 == 0 ? 0xfU : 0x1ffU));
    return std::min(piece, left);
  }
  static constexpr std::uint64_t whole = 0;
  static constexpr std::uint64_t single_bytes = 1;

 private:
  std::uint64_t state_;
};

/// Calls `take` with one piece after another, each in memory of its own size, until it returns false.
template <class Take>
void feed_in_pieces(bytes stream, std::uint64_t seed, Take take) {
  knife cut(seed);
  while (!stream.empty()) {
    const std::size_t piece = cut.next(stream.size());
    const octets chunk = copy_of(stream.first(piece));
    if (!take(bytes(chunk))) return;
    stream = stream.subspan(piece);
  }
}

} // namespace weir::fuzz
