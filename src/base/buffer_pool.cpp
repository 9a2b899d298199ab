#include <weir/base/buffer_pool.hpp>

#include <sys/mman.h>

#include <cassert>
#include <new>
#include <stdexcept>

namespace weir {

struct buffer_pool::pool_slot : block {
  buffer_pool* pool = nullptr;
  pool_slot* next_free = nullptr;
};

buffer_pool::buffer_pool(const buffer_pool_options& options)
    : slot_bytes_(options.slot_bytes),
      slots_max_(options.slot_bytes ? options.budget_bytes / options.slot_bytes : 0) {
  constexpr std::size_t page_bytes = 4096;
  if (slot_bytes_ == 0 || slot_bytes_ % page_bytes != 0)
    throw std::invalid_argument("buffer_pool: slot_bytes must be a positive multiple of 4096");
  if (slots_max_ == 0) throw std::invalid_argument("buffer_pool: budget_bytes is less than one slot");

  slots_ = std::make_unique<pool_slot[]>(slots_max_);
  void* memory = ::mmap(nullptr, slots_max_ * slot_bytes_, PROT_READ | PROT_WRITE,
                        MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (memory == MAP_FAILED) throw std::bad_alloc();
  ::madvise(memory, slots_max_ * slot_bytes_, MADV_DONTFORK);
  memory_ = static_cast<std::byte*>(memory);
}

buffer_pool::~buffer_pool() {
  assert(in_use_ == 0 && "a lease outlives its buffer pool");
  ::munmap(memory_, slots_max_ * slot_bytes_);
}

lease buffer_pool::acquire() noexcept {
  pool_slot* slot = free_;
  if (slot) {
    free_ = slot->next_free;
  } else if (untouched_ < slots_max_) {
    slot = &slots_[untouched_];
    slot->pool = this;
    slot->release = give_back;
    slot->data = memory_ + untouched_ * slot_bytes_;
    slot->capacity_bytes = static_cast<std::uint32_t>(slot_bytes_);
    ++untouched_;
  } else {
    return {};
  }
  slot->references = 1;
  if (++in_use_ > in_use_peak_) in_use_peak_ = in_use_;
  return {*slot, slot->data, slot_bytes_};
}

void buffer_pool::give_back(block& released) noexcept {
  auto& slot = static_cast<pool_slot&>(released);
  buffer_pool& pool = *slot.pool;
  slot.next_free = pool.free_;
  pool.free_ = &slot;
  --pool.in_use_;
}

std::uint32_t buffer_pool::index_of(const block& slot) const noexcept {
  return static_cast<std::uint32_t>(static_cast<const pool_slot*>(&slot) - slots_.get());
}

block& buffer_pool::slot(std::uint32_t index) noexcept {
  assert(index < untouched_);
  return slots_[index];
}

} // namespace weir
