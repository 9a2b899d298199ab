// uring_buffers: a ring of pool slots that the kernel fills from, one group for all receives of a loop. So a
// receive that waits for data holds no memory (io_uring_register_buf_ring(3)).
//
// Buffers are named by their position in the ring. The kernel takes them in that order, so those that one
// bundle fills have consecutive names. Bound: `slots` of the pool at a time. Thread rule: the loop's thread.
// Lifetime: no request may be in flight on the ring when it ends.
#pragma once

#include <weir/base/buffer_pool.hpp>
#include <weir/base/result.hpp>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

struct io_uring_buf;

namespace weir {

class uring_ring;

class uring_buffers {
 public:
  static constexpr std::uint16_t group = 0;

  /// `slots` is rounded up to a power of two. Fails where the kernel knows no such rings (before 5.19).
  static result<std::unique_ptr<uring_buffers>> create(uring_ring& ring, buffer_pool& pool,
                                                       std::uint32_t slots);
  ~uring_buffers();
  uring_buffers(const uring_buffers&) = delete;
  uring_buffers& operator=(const uring_buffers&) = delete;

  std::uint32_t slots_max() const noexcept { return static_cast<std::uint32_t>(held_.size()); }
  /// Slots that the kernel has, those of completions not yet taken included.
  std::uint32_t count() const noexcept { return count_; }

  /// Gives the kernel what the pool has, up to `slots_max`; when that is little, up to a quarter of it.
  void refill() noexcept;

  /// The slot in which the kernel put the first bytes of a completion with `remaining` of them. The others
  /// are in the slots behind it.
  lease take(std::uint16_t name, std::size_t remaining) noexcept;
  std::uint16_t behind(std::uint16_t name) const noexcept {
    return static_cast<std::uint16_t>((name + 1u) & (held_.size() - 1));
  }

 private:
  uring_buffers(uring_ring& ring, buffer_pool& pool, std::uint32_t slots);

  uring_ring& ring_;
  buffer_pool& pool_;
  io_uring_buf* entries_ = nullptr; ///< shared with the kernel
  std::size_t entries_bytes_;
  std::vector<block*> held_; ///< by position; null where the kernel has none
  std::uint32_t count_ = 0;
  std::uint16_t tail_ = 0;
  bool is_registered_ = false;
};

} // namespace weir
