// Whether a sanitizer watches this build. It keeps the heap and the calls of libc to itself, counts what
// libraries allocate too, and takes memory of its own.
#pragma once

#define WEIR_TEST_IS_SANITIZED 0
#if defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#undef WEIR_TEST_IS_SANITIZED
#define WEIR_TEST_IS_SANITIZED 1
#endif
#endif

namespace weir::test {

inline constexpr bool is_sanitized = WEIR_TEST_IS_SANITIZED;

} // namespace weir::test
