// How often this thread asked the heap for memory, and failures of it: operator new is replaced in every test
// program.
#pragma once

#include <cstdint>

namespace weir::test {

std::uint64_t allocations_of_this_thread() noexcept;

/// Blocks of all threads that were allocated and not freed; 0 under sanitizers, which tell of leaks
/// themselves.
std::int64_t live_allocations() noexcept;

/// The `nth` allocation of this thread from now on fails (1: the next), that one only. False under
/// sanitizers, which keep operator new to themselves.
[[nodiscard]] bool fail_allocation(std::uint64_t nth) noexcept;

} // namespace weir::test
