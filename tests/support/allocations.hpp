// How often this thread asked the heap for memory: operator new is replaced in every test program.
#pragma once

#include <cstdint>

namespace weir::test {

std::uint64_t allocations_of_this_thread() noexcept;

} // namespace weir::test
