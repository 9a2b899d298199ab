// watch: calls a function for each readiness of a foreign descriptor: what libraries with call-backs of their
// own are hung on (libcurl, hiredis, c-ares).
//
// Level-triggered in meaning: the function is called in every turn in which the descriptor is ready for what
// is wanted, at most once a turn. It may change the interest, destroy this watch or another one, and close
// what is no longer watched; a watch that was destroyed, or wants nothing, is not called any more, also when
// its readiness was known already. `hangup` and `failed` are told unasked; a descriptor that cannot be
// watched is told as `failed` once, then its interest is none.
//
// Spinning: a watch that is called in `spin_turns` turns without a pause, while what it was called for stays
// (the same readiness, as many bytes unread and as many unsent), is reported, once. It goes on. That is a
// suspicion: progress that the kernel does not count in bytes, such as a long queue of connections of which
// one is accepted a turn, looks the same. The report may do what the call may.
//
// Thread rule: the loop on which it was made. Lifetime: movable; the loop outlives it. The descriptor stays
// open for as long as it is watched: destroy the watch, or want none, before it is closed. Bound: one
// allocation and one operation a watch. Source: poll(2).
#pragma once

#include <weir/io/operation.hpp>
#include <weir/io/reactor.hpp>

#include <cstddef>
#include <memory>
#include <source_location>

namespace weir {

/// In debug builds a line on stderr; nothing where the library was built without assertions.
void report_spinning(int descriptor) noexcept;

struct watch_options {
  watch_options() noexcept {}

  weir::lane lane = weir::lane::normal;
  std::size_t spin_turns = 1000; ///< at least 2
  void (*on_spinning)(int descriptor) noexcept = &report_spinning;
};

class watch {
 public:
  using function = void (*)(void* context, readiness ready) noexcept;

  watch() = default;
  /// Precondition: on a loop. `context` is handed to `notify` and must stay valid.
  watch(int descriptor, readiness wanted, function notify, void* context,
        const watch_options& options = watch_options(),
        std::source_location where = std::source_location::current());
  watch(watch&&) = default;
  watch& operator=(watch&&) = default;

  explicit operator bool() const noexcept { return core_ != nullptr; }

  /// `none` pauses it. Costs nothing when it is what was wanted already.
  void set_interest(readiness wanted) noexcept;
  readiness interest() const noexcept;

 private:
  class core;
  struct abandon {
    void operator()(core* orphan) const noexcept;
  };

  std::unique_ptr<core, abandon> core_;
};

} // namespace weir
