// Tells ThreadSanitizer, which cannot see into the kernel, that what one thread sent another has received.
// Like the sanitizer's own model of sockets, one token stands for all of them. Nothing in other builds.
#pragma once

#if defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define WEIR_THREAD_SANITIZER 1
#endif
#endif

#ifdef WEIR_THREAD_SANITIZER
extern "C" void __tsan_acquire(void* address);
extern "C" void __tsan_release(void* address);
#endif

namespace weir::thread_sanitizer {

#ifdef WEIR_THREAD_SANITIZER
inline char kernel_token;
inline void kernel_takes() noexcept {
  __tsan_release(&kernel_token);
}
inline void kernel_gives() noexcept {
  __tsan_acquire(&kernel_token);
}
#else
inline void kernel_takes() noexcept {}
inline void kernel_gives() noexcept {}
#endif

} // namespace weir::thread_sanitizer
