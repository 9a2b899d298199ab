#include <weir/base/lease.hpp>

#include <cstring>
#include <limits>
#include <new>

namespace weir {
namespace {

/// The block and its bytes in one allocation: the bytes follow the header.
void release_heap_block(block& owner) noexcept {
  ::operator delete(static_cast<void*>(&owner));
}

} // namespace

lease lease::allocate(std::size_t size_bytes) {
  if (size_bytes > std::numeric_limits<std::uint32_t>::max()) throw std::bad_alloc();
  void* memory = ::operator new(sizeof(block) + size_bytes);
  auto* owner = new (memory) block;
  owner->data = static_cast<std::byte*>(memory) + sizeof(block);
  owner->release = release_heap_block;
  owner->references = 1;
  owner->capacity_bytes = static_cast<std::uint32_t>(size_bytes);
  return {*owner, owner->data, size_bytes};
}

lease lease::copy_of(std::span<const std::byte> bytes) {
  lease copy = allocate(bytes.size());
  if (!bytes.empty()) std::memcpy(copy.data_, bytes.data(), bytes.size());
  return copy;
}

bool lease::try_append(std::span<const std::byte> bytes) noexcept {
  if (!is_sole_owner() || bytes.size() > room().size()) return false;
  std::memcpy(room().data(), bytes.data(), bytes.size());
  take_in(bytes.size());
  return true;
}

} // namespace weir
