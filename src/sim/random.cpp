#include <weir/sim/random.hpp>

#include <bit>

namespace weir::sim {
namespace {

__extension__ using wide_product = unsigned __int128;

/// One step of SplitMix64: no two inputs give the same output.
std::uint64_t scramble(std::uint64_t value) noexcept {
  value += 0x9e3779b97f4a7c15;
  value = (value ^ (value >> 30)) * 0xbf58476d1ce4e5b9;
  value = (value ^ (value >> 27)) * 0x94d049bb133111eb;
  return value ^ (value >> 31);
}

} // namespace

random_source::random_source(std::uint64_t seed) noexcept : seed_(seed) {
  for (std::uint64_t& word : state_) {
    word = scramble(seed);
    seed += 0x9e3779b97f4a7c15;
  }
}

std::uint64_t random_source::bits() noexcept {
  auto& [a, b, c, d] = state_;
  const std::uint64_t drawn = std::rotl(b * 5, 7) * 9;
  const std::uint64_t shifted = b << 17;
  c ^= a;
  d ^= b;
  b ^= c;
  a ^= d;
  c ^= shifted;
  d = std::rotl(d, 45);
  return drawn;
}

std::uint64_t random_source::below(std::uint64_t bound) noexcept {
  std::uint64_t chosen = 0;
  if (chooser_ && bound > 1 && chooser_->choose(bound, chosen)) return chosen;
  return draw_below(bound);
}

/// The high half of a product is uniform but for the few low halves that the remainder makes too frequent;
/// those are drawn again (D. Lemire, "Fast Random Integer Generation in an Interval", 2019).
std::uint64_t random_source::draw_below(std::uint64_t bound) noexcept {
  wide_product product = wide_product{bits()} * bound;
  if (static_cast<std::uint64_t>(product) < bound) {
    const std::uint64_t too_frequent = (0 - bound) % bound;
    while (static_cast<std::uint64_t>(product) < too_frequent) product = wide_product{bits()} * bound;
  }
  return static_cast<std::uint64_t>(product >> 64);
}

std::uint64_t random_source::between(std::uint64_t least, std::uint64_t most) noexcept {
  const std::uint64_t count = most - least + 1;
  return count == 0 ? bits() : least + below(count); // 0: the whole range
}

bool random_source::chance(std::uint32_t per_million) noexcept {
  if (per_million == 0) return false;
  if (per_million >= 1'000'000) return true;
  std::uint64_t chosen = 0;
  if (chooser_ && chooser_->choose(2, chosen)) return chosen == 1;
  return draw_below(1'000'000) < per_million;
}

random_source random_source::forked(std::uint64_t seed) const noexcept {
  random_source made(seed);
  made.chooser_ = chooser_;
  return made;
}

random_source random_source::fork(std::string_view name) const noexcept {
  std::uint64_t mixed = scramble(seed_ ^ name.size());
  for (const char each : name) mixed = scramble(mixed ^ static_cast<unsigned char>(each));
  return forked(mixed);
}

random_source random_source::fork(std::uint64_t number) const noexcept {
  return forked(scramble(scramble(seed_) ^ number));
}

} // namespace weir::sim
