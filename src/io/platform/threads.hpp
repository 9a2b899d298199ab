// What the standard library does not say of threads: their name, their cores, which signals they take.
#pragma once

#ifdef _WIN32
#include <cstdint>
#else
#include <sched.h>

#include <csignal>
#endif

namespace weir::platform {

void name_this_thread(const char* name) noexcept;

/// A thread that wakes takes no core from a loop that runs, and one that runs yields to a loop that wakes.
/// Real-time threads keep what they were given.
void give_way_to_loops() noexcept;

/// The cores that a thread may run on.
class core_set {
 public:
  static core_set of_this_thread() noexcept;
  /// Does nothing where they are not known.
  void bind_this_thread() const noexcept;

 private:
#ifdef _WIN32
  std::uintptr_t cores_ = 0;
#else
  cpu_set_t cores_{};
#endif
  bool is_known_ = false;
};

/// While one lives this thread takes no signals, and neither do threads that it starts: signals are for
/// loops.
class signals_blocked {
 public:
  signals_blocked() noexcept;
  ~signals_blocked();
  signals_blocked(const signals_blocked&) = delete;
  signals_blocked& operator=(const signals_blocked&) = delete;

#ifndef _WIN32
 private:
  sigset_t before_;
#endif
};

} // namespace weir::platform
