#include "pages.hpp"

#include <sys/mman.h>

namespace weir::platform {

std::byte* reserve_pages(std::size_t size_bytes) noexcept {
  void* const memory =
      ::mmap(nullptr, size_bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (memory == MAP_FAILED) return nullptr;
  ::madvise(memory, size_bytes, MADV_DONTFORK);
  return static_cast<std::byte*>(memory);
}

void release_pages(std::byte* memory, std::size_t size_bytes) noexcept {
  ::munmap(memory, size_bytes);
}

} // namespace weir::platform
