#include <malloc.h>
#include <support/heap.hpp>

namespace weir::test {

void* heap_allocate(std::size_t size_bytes, std::size_t alignment) noexcept {
  return ::_aligned_malloc(size_bytes == 0 ? 1 : size_bytes, alignment);
}

void heap_free(void* memory) noexcept {
  ::_aligned_free(memory);
}

} // namespace weir::test
