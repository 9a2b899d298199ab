// spin_guard: sees a call-back that runs turn after turn and changes nothing about what it is called for.
//
// Free for those that pause: only from the second half of the turns on it asks the kernel, whether the
// readiness is still there and whether as many bytes wait as before, in either direction. A busy call-back
// that makes progress then starts anew, and is left in peace for as long.
#pragma once

#include <cstddef>
#include <cstdint>

namespace weir {

class spin_guard {
 public:
  explicit spin_guard(std::size_t turns_max) noexcept : turns_max_(turns_max) {}

  void before_call(int descriptor, std::uint64_t turn) noexcept;
  /// True once: it spins. `called_for`: the bits of poll(2).
  bool after_call(int descriptor, std::uint32_t called_for) noexcept;

 private:
  /// For what can tell (tcp(7), pipe(7)); else none.
  struct waiting_bytes {
    int unread = 0;
    int unsent = 0;
    bool operator==(const waiting_bytes&) const = default;
  };
  static waiting_bytes bytes_of(int descriptor) noexcept;

  bool is_suspicious() const noexcept { return !has_reported_ && turns_ > turns_max_ / 2; }

  std::size_t turns_max_;
  std::size_t turns_ = 0; ///< without a pause, up to and including the last call
  std::uint64_t last_turn_ = 0;
  waiting_bytes bytes_before_;
  bool has_reported_ = false;
};

} // namespace weir
