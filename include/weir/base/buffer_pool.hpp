// buffer_pool: the receive memory of one loop, cut into equal slots, handed out as leases.
//
// Bound: `budget_bytes` is the most that all streams of a loop together can hold; when it is used up
// `acquire` gives nothing and
//   the streams wait in line for a slot (io/): nothing is allocated, nothing is dropped.
// Thread rule: one thread, the loop's; any may read how much is in use. Lifetime: outlives every lease on its
// slots (asserted). Memory: address space is reserved at once, pages are touched when first used. Slots are
// reused last-in first-out, so
//   a loop that keeps up works in a few cache-warm slots. The memory is not inherited by fork (MADV_DONTFORK,
//   madvise(2)).
#pragma once

#include <weir/base/lease.hpp>
#include <weir/base/single_writer.hpp>

#include <cassert>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <source_location>

namespace weir {

struct buffer_pool_options {
  std::size_t slot_bytes =
      std::size_t{32} << 10; ///< most bytes that one receive yields in one piece; multiple of the page size
  std::size_t budget_bytes = std::size_t{64} << 20; ///< all slots together
  bool trace_leases =
      false; ///< keeps for each slot what its bytes are (32 bytes a slot); debug builds always do
};

/// Whence the bytes of a slot are: for reports that say who holds what.
struct lease_origin {
  int descriptor = -1;        ///< -1: not known, or the kernel has the slot
  std::uint64_t since_ns = 0; ///< loop time
  std::source_location where; ///< that started the receive
};

/// How many slots one user of the pool, such as a stream, was given that are not free again, whoever holds
/// leases on them now. Lifetime: until `buffer_pool::close`, or as long as none is out.
class slot_account {
 public:
  slot_account() = default;
  slot_account(const slot_account&) = delete;
  slot_account& operator=(const slot_account&) = delete;
  ~slot_account() { assert(slots_ == 0 && "an account ends while slots count for it"); }
  std::size_t slots() const noexcept { return slots_; }

 private:
  friend class buffer_pool;
  std::uint32_t slots_ = 0;
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

  // Shares: what one user may hold depends on what is left for the others. With a share f of the slots free
  // that is 16 f² of all: so one alone gets four fifths, five that keep what they get leave a tenth, a
  // hundred a fortieth, and whoever holds little goes on (an idea of Choudhury and Hahne's, "Dynamic Queue
  // Length Thresholds for Shared-Memory Packet Switches", 1998).

  /// From now on, until it is free again, a slot counts for `to`. Does nothing for a block of another owner
  /// and for a slot that counts for somebody.
  void charge(block& slot, slot_account& to) noexcept;
  /// What the account holds counts for nobody any more. O(slots), but O(1) when that is nothing.
  void close(slot_account& account) noexcept;
  bool is_over_share(const slot_account& account) const noexcept { return !is_within(account.slots_); }
  /// Would not be with one more. Whoever holds nothing may always have one.
  bool may_have_more(const slot_account& account) const noexcept {
    return account.slots_ == 0 || is_within(account.slots_ + std::uint64_t{1});
  }
  /// Slots given back so far: who waits for some looks whether it has changed.
  std::uint64_t slots_returned() const noexcept { return returned_; }
  /// Slots in use that anybody may be given: they lie ready in the kernel's hands (io_uring).
  void lend(std::size_t count) noexcept { lent_ += count; }
  void take_back(std::size_t count) noexcept { lent_ -= count; }

  // Who holds what.
  bool traces_leases() const noexcept { return origins_ != nullptr; }
  /// Does nothing for a block of another owner.
  void note_origin(const block& slot, const lease_origin& origin) noexcept;
  /// Every slot in use. `references`: leases on it.
  void for_each_held(const std::function<void(const lease_origin&, std::uint32_t references)>& visit) const;

  /// Slots as numbers, for rings that name buffers by number (io_uring).
  std::uint32_t index_of(const block& slot) const noexcept;
  /// The slot of that number, of which the caller must hold the reference that `acquire` gave.
  block& slot(std::uint32_t index) noexcept;

 private:
  struct pool_slot;
  static void give_back(block& slot) noexcept;
  bool is_ours(const block& slot) const noexcept;
  bool is_within(std::uint64_t slots) const noexcept {
    const std::uint64_t left = slots_free() + lent_;
    return slots == 0 || slots * slots_max_ <= 16 * left * left;
  }

  std::size_t slot_bytes_;
  std::size_t slots_max_;
  single_writer<std::size_t> in_use_;
  single_writer<std::size_t> in_use_peak_;
  std::size_t untouched_ = 0; ///< slots from this index on were never handed out
  std::byte* memory_ = nullptr;
  std::unique_ptr<pool_slot[]> slots_;
  std::unique_ptr<lease_origin[]> origins_; ///< of each slot; null: not traced
  pool_slot* free_ = nullptr;
  std::uint64_t returned_ = 0;
  std::size_t lent_ = 0;
};

} // namespace weir
