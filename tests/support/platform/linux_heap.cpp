#include <support/heap.hpp>

#include <cstdlib>

namespace weir::test {

void* heap_allocate(std::size_t size_bytes, std::size_t alignment) noexcept {
  if (alignment <= __STDCPP_DEFAULT_NEW_ALIGNMENT__) return std::malloc(size_bytes == 0 ? 1 : size_bytes);
  return std::aligned_alloc(alignment, (size_bytes + alignment - 1) / alignment * alignment);
}

void heap_free(void* memory) noexcept {
  std::free(memory);
}

} // namespace weir::test
