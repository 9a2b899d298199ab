// watchdog: a thread that sees a handler which holds up its loop while it still does, and says which: loop,
// operation, descriptor, the source line that awaits it, and the stack of the thread. Once an incident, and
// once more when it ends.
//
// How it knows: each handler and phase has a number (current_handler.hpp). One that is the same at two looks
// has run for at least the time between them; past `limit` it is reported. So a report comes at most
// `look_every` after the limit, and says how long at least it has taken.
//
// The stack: the thread is sent a signal, whose handler walks its stack with backtrace(3) into memory of the
// watchdog; names are looked up on the watchdog's thread (dladdr(3): functions that the dynamic linker knows;
// link with -rdynamic to have those of the program, else addr2line(1) makes names of the numbers). A walk by
// frame pointers would be simpler, but compilers leave them out. backtrace is not on the list of signal-safe
// functions only because its first call loads the unwinder: that is done beforehand; after it, with glibc
// from 2.35, it takes no lock. The signal interrupts a system call that blocks there: sleep(3) returns early.
// A thread that does not take signals is reported without its stack.
//
// Thread rule: made and destroyed on any thread. `on_report` runs on the watchdog's. Lifetime: outlives no
// registry. Bound: one thread; a few hundred bytes a loop; 64 frames of a stack.
#pragma once

#include <weir/io/current_handler.hpp>
#include <weir/runtime/metrics_registry.hpp>

#include <chrono>
#include <condition_variable>
#include <csignal>
#include <cstdint>
#include <functional>
#include <map>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

namespace weir {

struct stuck_report {
  std::string loop;
  current_handler what;
  std::uint64_t held_ns = 0; ///< at least so long, so far or, at the end, in all
  bool has_ended = false;
  std::vector<std::string> stack; ///< innermost first; empty at the end, and where it could not be had

  /// Several lines, with a line end.
  std::string to_string() const;
};

/// A line or more on stderr.
void print_stuck_report(const stuck_report& report);

struct watchdog_options {
  watchdog_options() {}

  std::chrono::nanoseconds limit = std::chrono::milliseconds(100); ///< what a handler may take
  std::chrono::nanoseconds look_every = std::chrono::milliseconds(20);
  int signal = 0; ///< for stacks; 0: the highest real-time signal; -1: no stacks
  std::function<void(const stuck_report&)> on_report = print_stuck_report;
};

class watchdog {
 public:
  explicit watchdog(watchdog_options options = watchdog_options(),
                    metrics_registry& loops = metrics_registry::of_process());
  ~watchdog();
  watchdog(const watchdog&) = delete;
  watchdog& operator=(const watchdog&) = delete;

 private:
  /// What was seen of a loop at the last look.
  struct sighting {
    std::uint64_t number = 0;
    std::uint64_t first_seen_ns = 0;
    std::uint64_t look = 0; ///< of which it is; a loop that is gone is not in the newest
    bool is_reported = false;
    pid_t thread_id = 0;
    current_handler what;
  };

  void watch();
  void look();
  void look_at(const metrics_registry::member& member, std::vector<stuck_report>& due);
  void report(stuck_report& incident);

  watchdog_options options_;
  metrics_registry& loops_;
  std::map<std::string, sighting> seen_;
  std::uint64_t looks_ = 0;
  std::mutex mutex_;
  std::condition_variable ending_;
  bool is_ending_ = false;
  std::thread thread_;
};

} // namespace weir
