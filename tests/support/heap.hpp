// The heap below operator new.
#pragma once

#include <cstddef>

namespace weir::test {

/// Null when there is none.
void* heap_allocate(std::size_t size_bytes, std::size_t alignment) noexcept;
void heap_free(void* memory) noexcept;

} // namespace weir::test
