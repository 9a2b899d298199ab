#include <support/allocations.hpp>
#include <support/heap.hpp>
#include <support/sanitized.hpp>

#include <atomic>
#include <new>

#if WEIR_TEST_IS_SANITIZED
#include <sanitizer/allocator_interface.h>
#endif

namespace weir::test {
namespace {

thread_local std::uint64_t allocations = 0;
[[maybe_unused]] thread_local std::uint64_t failing_allocation = 0; ///< its number; 0: none

} // namespace

std::uint64_t allocations_of_this_thread() noexcept {
  return allocations;
}

} // namespace weir::test

#if WEIR_TEST_IS_SANITIZED

// The sanitizer has replaced operator new already, and lets us listen.
namespace weir::test {
namespace {

void on_allocation(const volatile void*, std::size_t) {
  ++allocations;
}
void on_release(const volatile void*) {}

[[maybe_unused]] const int installed = __sanitizer_install_malloc_and_free_hooks(on_allocation, on_release);

} // namespace

std::int64_t live_allocations() noexcept {
  return 0;
}

bool fail_allocation(std::uint64_t) noexcept {
  return false;
}

} // namespace weir::test

#else

namespace weir::test {
namespace {

std::atomic<std::int64_t> live{0};

void* allocate(std::size_t size_bytes, std::size_t alignment) noexcept {
  if (++allocations == failing_allocation) return nullptr;
  live.fetch_add(1, std::memory_order_relaxed);
  return heap_allocate(size_bytes, alignment);
}

void* allocate_or_throw(std::size_t size_bytes, std::size_t alignment) {
  if (void* memory = allocate(size_bytes, alignment)) return memory;
  throw std::bad_alloc();
}

void release(void* memory) noexcept {
  if (memory) live.fetch_sub(1, std::memory_order_relaxed);
  heap_free(memory);
}

constexpr std::size_t usual = __STDCPP_DEFAULT_NEW_ALIGNMENT__;

} // namespace

std::int64_t live_allocations() noexcept {
  return live.load(std::memory_order_relaxed);
}

bool fail_allocation(std::uint64_t nth) noexcept {
  failing_allocation = allocations + nth;
  return true;
}

} // namespace weir::test

// All forms are replaced, so that none is missed and each block is freed by its own kind.
using namespace weir::test;
using std::align_val_t;
using std::nothrow_t;
using std::size_t;

// clang-format off
void* operator new(size_t size) { return allocate_or_throw(size, usual); }
void* operator new[](size_t size) { return allocate_or_throw(size, usual); }
void* operator new(size_t size, const nothrow_t&) noexcept { return allocate(size, usual); }
void* operator new[](size_t size, const nothrow_t&) noexcept { return allocate(size, usual); }
void* operator new(size_t size, align_val_t alignment) { return allocate_or_throw(size, static_cast<size_t>(alignment)); }
void* operator new[](size_t size, align_val_t alignment) { return allocate_or_throw(size, static_cast<size_t>(alignment)); }
void* operator new(size_t size, align_val_t alignment, const nothrow_t&) noexcept { return allocate(size, static_cast<size_t>(alignment)); }
void* operator new[](size_t size, align_val_t alignment, const nothrow_t&) noexcept { return allocate(size, static_cast<size_t>(alignment)); }
void operator delete(void* memory) noexcept { release(memory); }
void operator delete[](void* memory) noexcept { release(memory); }
void operator delete(void* memory, size_t) noexcept { release(memory); }
void operator delete[](void* memory, size_t) noexcept { release(memory); }
void operator delete(void* memory, const nothrow_t&) noexcept { release(memory); }
void operator delete[](void* memory, const nothrow_t&) noexcept { release(memory); }
void operator delete(void* memory, align_val_t) noexcept { release(memory); }
void operator delete[](void* memory, align_val_t) noexcept { release(memory); }
void operator delete(void* memory, size_t, align_val_t) noexcept { release(memory); }
void operator delete[](void* memory, size_t, align_val_t) noexcept { release(memory); }
void operator delete(void* memory, align_val_t, const nothrow_t&) noexcept { release(memory); }
void operator delete[](void* memory, align_val_t, const nothrow_t&) noexcept { release(memory); }
// clang-format on

#endif
