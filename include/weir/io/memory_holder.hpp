// memory_holder: somebody who holds memory of the loop's pools for longer than a handler, such as a stream
// with unread bytes. It is on a list of its loop for as long as it lives, so that whoever asks where the
// memory is gets an answer.
//
// Thread rule: the loop's thread. Bound: intrusive, no memory of its own. Lifetime: the loop outlives it.
#pragma once

#include <weir/base/intrusive.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>

namespace weir {

/// What it says of itself.
struct held_memory {
  /// All of it: what is unread is held as well, unless it lies in memory of its own.
  std::size_t bytes() const noexcept { return std::max(unread_bytes, held_bytes) + unsent_bytes; }

  const char* kind = ""; ///< "stream"
  int descriptor = -1;
  std::size_t unread_bytes = 0; ///< of memory that what was received and not read pins
  std::size_t unsent_bytes = 0;
  std::size_t held_bytes = 0; ///< of receive memory that counts for it: unread, or kept by whoever read it
  bool is_paused = false;     ///< it receives no more: its credit is used up, slots are few,
  bool is_over_share = false; ///< or it holds more than its share of the loop's receive memory
  bool is_full = false;       ///< so much is unsent that writers wait, or go on waiting
  std::uint64_t moved = 0;    ///< another number when what is paused or full has moved since
  std::string name;           ///< the peer, where it is known
};

class memory_holder : public list_hook<> {
 public:
  using report = held_memory (*)(const memory_holder& self);
  explicit memory_holder(report how) noexcept : report_(how) {}
  ~memory_holder() { unlink(); }

  held_memory held() const { return report_(*this); }

 private:
  report report_;
};

} // namespace weir
