// What ThreadSanitizer has to be told because it cannot see into the kernel: that what one thread sent
// another has received (like the sanitizer's own model of sockets, one token stands for all of them), and
// that a descriptor was closed. Nothing in other builds.
#pragma once

#if defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define WEIR_THREAD_SANITIZER 1
#endif
#endif

#ifdef WEIR_THREAD_SANITIZER
extern "C" void __tsan_acquire(void* address);
extern "C" void __tsan_release(void* address);
extern "C" void AnnotateIgnoreReadsBegin(const char* file, int line);
extern "C" void AnnotateIgnoreReadsEnd(const char* file, int line);
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
/// In its scope nobody notes which descriptors calls use. The sanitizer does not see those closed that the
/// kernel closes, and takes their number, when another thread has it, for the same.
struct unnoted_descriptors {
  unnoted_descriptors() noexcept { AnnotateIgnoreReadsBegin(__FILE__, __LINE__); }
  ~unnoted_descriptors() { AnnotateIgnoreReadsEnd(__FILE__, __LINE__); }
};
#else
inline void kernel_takes() noexcept {}
inline void kernel_gives() noexcept {}
struct unnoted_descriptors {
  unnoted_descriptors() noexcept {}
};
#endif

} // namespace weir::thread_sanitizer
