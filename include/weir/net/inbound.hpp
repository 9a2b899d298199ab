// inbound: the unread bytes of a stream, as leases in order, and the credit that decides when its receive is
// paused.
//
// Bound: the memory that the unread leases pin, counted in O(1). At `credit_bytes` the receive has to pause,
// at half of it it may go on; what is already under way when it pauses is kept on top (at most the slots in
// the kernel's hands). Small pieces are copied together behind the last one, so that many small reads of a
// slow consumer do not pin a slot each. Thread rule: the loop's thread.
#pragma once

#include <weir/base/lease.hpp>
#include <weir/base/ring.hpp>

#include <cstddef>

namespace weir {

class inbound {
 public:
  explicit inbound(std::size_t credit_bytes) noexcept : credit_bytes_(credit_bytes) {}

  void push(lease&& piece);
  /// Back to the front, for a reader that took more than it could use.
  void unread(lease&& piece);
  /// The oldest piece; precondition: not empty.
  lease pop() noexcept;
  /// Copies up to `into.size()` bytes out; returns how many.
  std::size_t copy_out(std::span<std::byte> into) noexcept;

  bool empty() const noexcept { return oldest_.empty(); }
  std::size_t pinned_bytes() const noexcept { return pinned_bytes_; }
  bool must_pause() const noexcept { return pinned_bytes_ >= credit_bytes_; }
  bool may_resume() const noexcept { return pinned_bytes_ <= credit_bytes_ / 2; }

 private:
  lease& newest() noexcept { return behind_.empty() ? oldest_ : behind_.back(); }

  lease oldest_;       ///< here, so that a stream of small pieces that are taken at once needs no more memory
  ring<lease> behind_; ///< the others
  std::size_t pinned_bytes_ = 0;
  std::size_t credit_bytes_;
};

} // namespace weir
