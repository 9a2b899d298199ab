// random_source: where all chance of a simulated world comes from. xoshiro256** (D. Blackman and S. Vigna,
// 2018), seeded by SplitMix64 (Steele, Lea, Flood 2014); integers only, so that every compiler and every
// optimisation draws the same.
//
// Thread rule: one thread. Bound: 48 bytes, allocates nothing. Not for secrets.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>

namespace weir::sim {

class random_source {
 public:
  explicit random_source(std::uint64_t seed) noexcept;

  /// Who answers in its place, for those who try every answer in turn (exhaustive.hpp). `bits` stay its own.
  class chooser {
   public:
    /// One of 0 ... bound - 1; `bound` is 2 at least. False: the stream may answer.
    virtual bool choose(std::uint64_t bound, std::uint64_t& chosen) noexcept = 0;

   protected:
    ~chooser() = default;
  };
  /// Outlives it and what is forked from now on; null: nobody.
  void ask(chooser* whom) noexcept { chooser_ = whom; }

  std::uint64_t bits() noexcept;
  /// Uniform in [0, bound); a bound of 0 gives 0.
  std::uint64_t below(std::uint64_t bound) noexcept;
  /// Uniform in [least, most]; `most` must not be less than `least`.
  std::uint64_t between(std::uint64_t least, std::uint64_t most) noexcept;
  /// True that often. 0 and 1,000,000 are certain, and draw nothing.
  bool chance(std::uint32_t per_million) noexcept;

  /// A stream of its own, which depends on the seed and the name only: not on what was drawn before, nor on
  /// what other streams draw. A new draw in one place shifts no other place.
  random_source fork(std::string_view name) const noexcept;
  random_source fork(std::uint64_t number) const noexcept;

  std::uint64_t seed() const noexcept { return seed_; }

 private:
  std::uint64_t draw_below(std::uint64_t bound) noexcept;
  random_source forked(std::uint64_t seed) const noexcept;

  std::uint64_t seed_;
  std::array<std::uint64_t, 4> state_;
  chooser* chooser_ = nullptr;
};

} // namespace weir::sim
