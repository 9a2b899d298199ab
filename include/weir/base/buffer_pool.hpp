// buffer_pool: the receive memory of one loop, cut into equal slots, handed out as leases.
//
// Bound: `budget_bytes` is the most that all streams of a loop together can hold; when it is used up
// `acquire` gives nothing and
//   the streams wait in line for a slot (io/): nothing is allocated, nothing is dropped.
// Thread rule: one thread, the loop's. Lifetime: outlives every lease on its slots (asserted).
// Memory: address space is reserved at once, pages are touched when first used. Slots are reused last-in
// first-out, so
//   a loop that keeps up works in a few cache-warm slots. The memory is not inherited by fork (MADV_DONTFORK,
//   madvise(2)).
#pragma once

#include <weir/base/lease.hpp>

#include <cstddef>
#include <cstdint>
#include <memory>

namespace weir {

struct buffer_pool_options {
  std::size_t slot_bytes =
      std::size_t{32} << 10; ///< most bytes that one receive yields in one piece; multiple of the page size
  std::size_t budget_bytes = std::size_t{64} << 20; ///< all slots together
};

class buffer_pool {
 public:
  /// Throws std::bad_alloc where the address space cannot be reserved, std::invalid_argument for sizes that
  /// cannot work.
  explicit buffer_pool(const buffer_pool_options& options = buffer_pool_options{});
  ~buffer_pool();
  buffer_pool(const buffer_pool&) = delete;
  buffer_pool& operator=(const buffer_pool&) = delete;

  /// A lease on a whole slot, or an empty one (`pinned_bytes() == 0`) when the budget is used up.
  lease acquire() noexcept;

  std::size_t slot_bytes() const noexcept { return slot_bytes_; }
  std::size_t slots_max() const noexcept { return slots_max_; }
  std::size_t slots_in_use() const noexcept { return in_use_; }
  std::size_t slots_free() const noexcept { return slots_max_ - in_use_; }
  /// The last sixteenth is for those who hold no slot yet: who holds some asks for no more meanwhile.
  bool is_low() const noexcept { return slots_free() < slots_max_ / 16; }
  std::size_t bytes_in_use() const noexcept { return in_use_ * slot_bytes_; }
  std::size_t slots_in_use_peak() const noexcept { return in_use_peak_; }

  /// Slots as numbers, for rings that name buffers by number (io_uring).
  std::uint32_t index_of(const block& slot) const noexcept;
  /// The slot of that number, of which the caller must hold the reference that `acquire` gave.
  block& slot(std::uint32_t index) noexcept;

 private:
  struct pool_slot;
  static void give_back(block& slot) noexcept;

  std::size_t slot_bytes_;
  std::size_t slots_max_;
  std::size_t in_use_ = 0;
  std::size_t in_use_peak_ = 0;
  std::size_t untouched_ = 0; ///< slots from this index on were never handed out
  std::byte* memory_ = nullptr;
  std::unique_ptr<pool_slot[]> slots_;
  pool_slot* free_ = nullptr;
};

} // namespace weir
