// How often this thread asked the heap for memory, and failures of it: operator new is replaced in every test
// program.
#pragma once

#include <cstdint>

namespace weir::test {

/// A sanitizer has the heap: it counts libraries' allocations too, and keeps freed memory.
#if defined(__has_feature)
inline constexpr bool is_sanitized = __has_feature(address_sanitizer) || __has_feature(thread_sanitizer);
#else
inline constexpr bool is_sanitized = false;
#endif

std::uint64_t allocations_of_this_thread() noexcept;

/// The `nth` allocation of this thread from now on fails (1: the next), that one only. False under
/// sanitizers, which keep operator new to themselves.
[[nodiscard]] bool fail_allocation(std::uint64_t nth) noexcept;

} // namespace weir::test
