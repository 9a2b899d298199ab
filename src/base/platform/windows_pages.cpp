#include "pages.hpp"

#include <weir/base/platform/windows_api.hpp>

namespace weir::platform {

std::byte* reserve_pages(std::size_t size_bytes) noexcept {
  return static_cast<std::byte*>(
      ::VirtualAlloc(nullptr, size_bytes, MEM_RESERVE | MEM_COMMIT, PAGE_READWRITE));
}

void release_pages(std::byte* memory, std::size_t) noexcept {
  ::VirtualFree(memory, 0, MEM_RELEASE);
}

} // namespace weir::platform
