// spin_guard: sees a call-back that runs turn after turn and changes nothing about what it is called for.
//
// Free for those that pause: only from the second half of the turns on it asks the kernel, whether the
// readiness is still there and whether as many bytes wait as before. A busy call-back that makes progress
// then starts anew, and is left in peace for as long.
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
  bool is_suspicious() const noexcept { return !has_reported_ && turns_ > turns_max_ / 2; }

  std::size_t turns_max_;
  std::size_t turns_ = 0; ///< without a pause, up to and including the last call
  std::uint64_t last_turn_ = 0;
  int bytes_before_ = 0;
  bool has_reported_ = false;
};

} // namespace weir
