// frame_pool: where coroutine frames live. Each thread keeps the frames that ended in free lists by size, so
// a program in steady state makes and ends coroutines without calling the allocator.
//
// Thread rule: a frame is freed on the thread that made it. Bound: a thread keeps at most
// `kept_bytes_per_class_max` of free frames a size class; what exceeds that, or the largest class, goes to
// operator new and delete. Errors: std::bad_alloc, thrown to the caller of the coroutine function; nothing
// else fails with it.
#pragma once

#include <cstddef>

namespace weir {

namespace frame_pool {

/// Sizes are rounded up to a multiple of this less what malloc puts in front, which adds up to whole units of
/// malloc: thousands of frames wait in idle connections, and each byte counts thousands of times.
inline constexpr std::size_t class_bytes = 32;
inline constexpr std::size_t malloc_header_bytes = 8;
inline constexpr std::size_t class_count = 64;
inline constexpr std::size_t frame_bytes_max = class_bytes * class_count - malloc_header_bytes; ///< kept ones
inline constexpr std::size_t kept_bytes_per_class_max = std::size_t{512} << 10;

void* allocate(std::size_t size_bytes);
void deallocate(void* frame, std::size_t size_bytes) noexcept;

/// Gives the free frames of this thread back to the allocator.
void trim() noexcept;

/// Frames of this thread that exist now, and bytes that it keeps for the next ones.
std::size_t frames_live() noexcept;
std::size_t kept_bytes() noexcept;

} // namespace frame_pool

/// Base class of a promise type whose frames come from the pool.
class pooled_frame {
 public:
  static void* operator new(std::size_t size_bytes) { return frame_pool::allocate(size_bytes); }
  static void operator delete(void* frame, std::size_t size_bytes) noexcept {
    frame_pool::deallocate(frame, size_bytes);
  }
};

} // namespace weir
