#include "platform/pages.hpp"

#include <weir/base/buffer_pool.hpp>

#include <cassert>
#include <cstdio>
#include <new>
#include <stdexcept>
#include <utility>

namespace weir {

namespace {

#ifdef NDEBUG
constexpr bool traces_always = false;
#else
constexpr bool traces_always = true;
#endif

void report_held(const buffer_pool& pool) {
  std::fprintf(stderr, "weir: a buffer pool ends while %zu of its slots are held:\n", pool.slots_in_use());
  pool.for_each_held([](const lease_origin& origin, std::uint32_t references) {
    std::fprintf(stderr, "  %u leases on bytes of descriptor %d, received for %s:%u\n", references,
                 origin.descriptor, origin.where.file_name(), static_cast<unsigned>(origin.where.line()));
  });
}

} // namespace

struct buffer_pool::pool_slot : block {
  buffer_pool* pool = nullptr;
  slot_account* charged_to = nullptr;
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
  if (options.trace_leases || traces_always) origins_ = std::make_unique<lease_origin[]>(slots_max_);
  memory_ = platform::reserve_pages(slots_max_ * slot_bytes_);
  if (!memory_) throw std::bad_alloc();
}

buffer_pool::~buffer_pool() {
  if (in_use_ != 0 && traces_always) report_held(*this);
  assert(in_use_ == 0 && "a lease outlives its buffer pool");
  platform::release_pages(memory_, slots_max_ * slot_bytes_);
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
  if (origins_) origins_[static_cast<std::size_t>(slot - slots_.get())] = lease_origin{};
  if (++in_use_ > in_use_peak_) in_use_peak_ = in_use_.load();
  return {*slot, slot->data, slot_bytes_};
}

void buffer_pool::give_back(block& released) noexcept {
  auto& slot = static_cast<pool_slot&>(released);
  buffer_pool& pool = *slot.pool;
  slot.next_free = pool.free_;
  pool.free_ = &slot;
  --pool.in_use_;
  ++pool.returned_;
  if (slot.charged_to) --std::exchange(slot.charged_to, nullptr)->slots_;
}

bool buffer_pool::is_ours(const block& slot) const noexcept {
  return slot.release == give_back && static_cast<const pool_slot&>(slot).pool == this;
}

void buffer_pool::charge(block& slot, slot_account& to) noexcept {
  if (!is_ours(slot)) return;
  auto& ours = static_cast<pool_slot&>(slot);
  if (ours.charged_to) return;
  ours.charged_to = &to;
  ++to.slots_;
}

void buffer_pool::close(slot_account& account) noexcept {
  for (std::size_t i = 0; account.slots_ > 0; ++i) {
    assert(i < untouched_);
    if (slots_[i].charged_to != &account) continue;
    slots_[i].charged_to = nullptr;
    --account.slots_;
  }
}

void buffer_pool::note_origin(const block& slot, const lease_origin& origin) noexcept {
  if (origins_ && is_ours(slot)) origins_[index_of(slot)] = origin;
}

void buffer_pool::for_each_held(
    const std::function<void(const lease_origin&, std::uint32_t references)>& visit) const {
  for (std::size_t i = 0; i < untouched_; ++i)
    if (slots_[i].references > 0) visit(origins_ ? origins_[i] : lease_origin{}, slots_[i].references);
}

std::uint32_t buffer_pool::index_of(const block& slot) const noexcept {
  return static_cast<std::uint32_t>(static_cast<const pool_slot*>(&slot) - slots_.get());
}

block& buffer_pool::slot(std::uint32_t index) noexcept {
  assert(index < untouched_);
  return slots_[index];
}

} // namespace weir
