// Memory of whole pages that costs nothing until it is touched.
#pragma once

#include <cstddef>

namespace weir::platform {

/// Zeroed, not inherited by a forked child; null where there is no room for it.
std::byte* reserve_pages(std::size_t size_bytes) noexcept;
void release_pages(std::byte* memory, std::size_t size_bytes) noexcept;

} // namespace weir::platform
