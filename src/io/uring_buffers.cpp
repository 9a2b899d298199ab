#include "uring_buffers.hpp"

#include "uring_ring.hpp"

#include <sys/mman.h>

#include <algorithm>
#include <bit>
#include <cassert>
#include <cerrno>
#include <cstddef>

namespace weir {
namespace {

constexpr std::uint32_t slots_limit = 32768; // io_uring_register_buf_ring(3)
static_assert(offsetof(io_uring_buf, resv) == offsetof(io_uring_buf_ring, tail));

} // namespace

uring_buffers::uring_buffers(uring_ring& ring, buffer_pool& pool, std::uint32_t slots)
    : ring_(ring), pool_(pool), entries_bytes_(slots * sizeof(io_uring_buf)), held_(slots) {}

result<std::unique_ptr<uring_buffers>> uring_buffers::create(uring_ring& ring, buffer_pool& pool,
                                                             std::uint32_t slots) {
  const std::uint32_t rounded = std::bit_ceil(std::clamp(slots, 1u, slots_limit));
  std::unique_ptr<uring_buffers> made(new uring_buffers(ring, pool, rounded));
  void* memory =
      ::mmap(nullptr, made->entries_bytes_, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (memory == MAP_FAILED) return fail(error::from_errno(errno, "mmap"));
  ::madvise(memory, made->entries_bytes_, MADV_DONTFORK); // the kernel's writes must stay the parent's
  made->entries_ = static_cast<io_uring_buf*>(memory);

  io_uring_buf_reg request{};
  request.ring_addr = reinterpret_cast<std::uintptr_t>(memory);
  request.ring_entries = rounded;
  request.bgid = group;
  if (const int refused = io_uring_register_buf_ring(&ring.handle(), &request, 0); refused != 0)
    return fail(error::from_errno(refused, "io_uring_register_buf_ring"));
  made->is_registered_ = true;
  return made;
}

uring_buffers::~uring_buffers() {
  if (is_registered_) io_uring_unregister_buf_ring(&ring_.handle(), group);
  pool_.take_back(count_);
  for (block* slot : held_)
    if (slot) slot->drop();
  if (entries_) ::munmap(entries_, entries_bytes_);
}

void uring_buffers::refill() noexcept {
  const std::uint16_t mask = static_cast<std::uint16_t>(held_.size() - 1);
  const std::uint16_t before = tail_;
  // What lies in the ring one receive may take at once: too much when slots are few.
  const std::size_t count_max = pool_.is_low() ? std::max<std::size_t>(held_.size() / 4, 1) : held_.size();
  // A position is free when its slot was taken: completions of different receives may come in another order.
  while (count_ < count_max && !held_[tail_ & mask]) {
    lease fresh = pool_.acquire();
    if (fresh.pinned_bytes() == 0) break;
    block* const slot = fresh.release_owner();
    const std::uint16_t position = tail_ & mask;
    held_[position] = slot;
    io_uring_buf& entry = entries_[position];
    entry.addr = reinterpret_cast<std::uintptr_t>(slot->data);
    entry.len = slot->capacity_bytes;
    entry.bid = position;
    pool_.lend(1);
    ++tail_;
    ++count_;
  }
  if (tail_ != before)
    io_uring_smp_store_release(&entries_->resv, tail_); // where io_uring_buf_ring has its tail
}

lease uring_buffers::take(std::uint16_t name, std::size_t remaining) noexcept {
  assert(held_[name] && "the kernel filled a buffer that it was not given");
  block& slot = *std::exchange(held_[name], nullptr);
  pool_.take_back(1);
  --count_;
  // The kernel may have offered less of the slot than it was given, and says so in the entry.
  const std::size_t offered_bytes = IO_URING_READ_ONCE(entries_[name].len);
  return {slot, slot.data, std::min(remaining, offered_bytes)};
}

} // namespace weir
