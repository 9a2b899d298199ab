// A watch for tests: notes what it was told.
#pragma once

#include <weir/io/reactor.hpp>
#include <weir/os/watch.hpp>

#include <functional>

namespace weir::test {

inline constexpr readiness in = readiness::readable;
inline constexpr readiness out = readiness::writable;

/// A watch that notes what it was told, and then does what the test wants.
struct noted_watch {
  noted_watch(int descriptor, readiness wanted, const watch_options& options = watch_options())
      : watched(
            descriptor, wanted,
            [](void* self, readiness seen) noexcept { static_cast<noted_watch*>(self)->on_ready(seen); },
            this, options) {}

  void on_ready(readiness seen) {
    ++calls;
    last = seen;
    const auto act = then; // a copy: this may be gone when it returns
    if (act) act();
  }

  int calls = 0;
  readiness last = readiness::none;
  std::function<void()> then;
  watch watched;
};

} // namespace weir::test
