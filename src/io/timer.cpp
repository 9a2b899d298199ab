#include <weir/io/timer.hpp>

#include <algorithm>
#include <bit>

namespace weir {

// Level k holds the timers whose tick differs from `now_tick_` first in digit k (base 64). So a timer moves
// at most once a level: when the clock reaches its slot of level k, the slot is emptied into finer levels.
// Level 0 holds single ticks.

timer_wheel::~timer_wheel() {
  for (auto& level : slots_)
    for (slot& timers : level)
      while (timers.pop_front()) {
      }
  while (due_.pop_front()) {
  }
}

void timer_wheel::arm(timer& which, std::uint64_t deadline_ns) noexcept {
  which.unlink();
  which.deadline_ns_ = deadline_ns;
  place(which);
}

void timer_wheel::place(timer& which) noexcept {
  // Rounded up, so that nothing fires early; clamped, so that the difference stays within the levels.
  constexpr std::uint64_t tick_ns = std::uint64_t{1} << tick_shift;
  constexpr std::uint64_t deadline_max = ~std::uint64_t{0} - tick_ns;
  const std::uint64_t tick = (std::min(which.deadline_ns_, deadline_max) + tick_ns - 1) >> tick_shift;
  if (tick <= now_tick_ || which.deadline_ns_ <= now_ns_) {
    due_.push_back(which);
    return;
  }
  const auto highest_different_bit = static_cast<unsigned>(63 - std::countl_zero(tick ^ now_tick_));
  const unsigned level = highest_different_bit / level_bits;
  const auto index = static_cast<unsigned>(tick >> (level * level_bits)) % slots_per_level;
  slots_[level][index].push_back(which);
  occupied_[level] |= std::uint64_t{1} << index;
  occupied_levels_ |= 1u << level;
}

void timer_wheel::collect_due(std::uint64_t tick) noexcept {
  // From one occupied slot to the next, in order of time, so that timers of one tick keep their order.
  for (std::uint64_t next = next_slot_ns(); next != never && (next >> tick_shift) <= tick;
       next = next_slot_ns()) {
    now_tick_ = next >> tick_shift;
    for (unsigned level = levels; level-- > 0;) {
      const auto index = static_cast<unsigned>(now_tick_ >> (level * level_bits)) % slots_per_level;
      if (!(occupied_[level] >> index & 1)) continue;
      occupied_[level] &= ~(std::uint64_t{1} << index);
      slot& timers = slots_[level][index];
      while (timer* moving = timers.pop_front()) place(*moving);
    }
  }
  now_tick_ = std::max(now_tick_, tick);
}

std::size_t timer_wheel::advance(std::uint64_t now_ns, std::size_t budget) noexcept {
  collect_due(now_ns >> tick_shift);
  now_ns_ = now_ns;

  // What handlers arm from now on stands behind this mark and waits for the next call.
  due_.push_back(mark_);
  std::size_t ran = 0;
  while (ran < budget && due_.front() != &mark_) {
    timer* expired = due_.pop_front();
    ++ran;
    expired->on_expiry_(*expired);
  }
  mark_.unlink();
  return ran;
}

std::uint64_t timer_wheel::next_slot_ns() const noexcept {
  for (; occupied_levels_ != 0; occupied_levels_ &= occupied_levels_ - 1) {
    const auto level = static_cast<unsigned>(std::countr_zero(occupied_levels_));
    while (occupied_[level] != 0) {
      // All occupied slots of a level lie ahead of the clock's own digit: behind it there is nothing left.
      const auto index = static_cast<unsigned>(std::countr_zero(occupied_[level]));
      if (slots_[level][index].empty()) { // its timers were cancelled
        occupied_[level] &= occupied_[level] - 1;
        continue;
      }
      const unsigned shift = level * level_bits;
      const std::uint64_t above =
          shift + level_bits < 64 ? now_tick_ >> (shift + level_bits) << (shift + level_bits) : 0;
      return (above | std::uint64_t{index} << shift) << tick_shift;
    }
  }
  return never;
}

} // namespace weir
