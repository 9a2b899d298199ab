// timer_wheel: a hierarchical timing wheel (Varghese and Lauck, 1987, scheme 7). Arm and cancel are O(1),
// timers due in the same tick fire in the order in which they were armed, none fires early.
//
// Resolution: one tick of 2^16 ns (65.5 us). Range: 2^48 ticks; a later deadline fires at the end of the
// range and is armed anew. Thread rule: the loop's thread. Lifetime: a timer is owned by its user and unlinks
// itself when destroyed. Bound: no memory of its own.
#pragma once

#include <weir/base/intrusive.hpp>

#include <array>
#include <cstddef>
#include <cstdint>

namespace weir {

class timer : public list_hook<> {
 public:
  using function = void (*)(timer& self) noexcept;
  explicit timer(function on_expiry) noexcept : on_expiry_(on_expiry) {}
  ~timer() { unlink(); }

  bool is_armed() const noexcept { return is_linked(); }
  std::uint64_t deadline_ns() const noexcept { return deadline_ns_; }

 private:
  friend class timer_wheel;
  function on_expiry_;
  std::uint64_t deadline_ns_ = 0;
};

class timer_wheel {
 public:
  static constexpr std::uint64_t never = ~std::uint64_t{0};
  static constexpr unsigned tick_shift = 16;

  explicit timer_wheel(std::uint64_t now_ns) noexcept : now_ns_(now_ns), now_tick_(now_ns >> tick_shift) {}
  ~timer_wheel();

  /// Arms, or moves an armed timer. A deadline in the past fires at the next `advance`.
  void arm(timer& which, std::uint64_t deadline_ns) noexcept;
  static void cancel(timer& which) noexcept { which.unlink(); }

  /// Collects what is due at `now_ns` and runs at most `budget` of them; what remains is due still. Returns
  /// how many ran. A timer armed from within a handler runs in a later call at the earliest.
  std::size_t advance(std::uint64_t now_ns, std::size_t budget) noexcept;

  /// When to call `advance` next: the earliest deadline, or earlier where timers have to move to a finer
  /// level; `never` without timers.
  std::uint64_t next_ns() const noexcept {
    if (!due_.empty()) return now_ns_;
    return occupied_levels_ == 0 ? never : next_slot_ns();
  }

 private:
  static constexpr unsigned level_bits = 6;
  static constexpr unsigned slots_per_level = 1u << level_bits;
  static constexpr unsigned levels = 8;
  using slot = intrusive_list<timer>;

  void place(timer& which) noexcept;
  void collect_due(std::uint64_t tick) noexcept;
  std::uint64_t next_slot_ns() const noexcept;

  std::uint64_t now_ns_;
  std::uint64_t now_tick_;
  mutable unsigned occupied_levels_ = 0; ///< a bit for each level with such a slot
  mutable std::array<std::uint64_t, levels>
      occupied_{}; ///< a bit for each slot that may hold a timer; cleared lazily
  std::array<std::array<slot, slots_per_level>, levels> slots_;
  slot due_;
  timer mark_{[](timer&) noexcept {}}; ///< on `due_` while `advance` runs: what stands behind it is new
};

} // namespace weir
