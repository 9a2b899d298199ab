// metrics_registry: the loops of a process that may be looked at from other threads: by the watchdog, by an
// inspector, by whoever exports metrics. A loop is on it for as long as its membership lives:
//
//   metrics_registry::membership shown(*home, "main");
//
// What a loop publishes in atomics (counters, histograms, the current handler) is read at once. What only its
// thread may touch (operations, connections) is asked for: the loop answers at the beginning of its next
// turn; one that is stuck does not, and is told apart.
//
// Thread rule: everything from any thread, but a membership begins and ends on the thread of its loop, and
// outside of `visit_all`. Lifetime: a membership ends before its loop does and waits for visits under way.
// Bound: one small allocation a loop. Locks: only those who look take them, and the loop that is asked.
#pragma once

#include <weir/io/loop.hpp>

#include <pthread.h>
#include <sys/types.h>

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

namespace weir {

class metrics_registry {
 public:
  /// The one that programs use unless they have a reason.
  static metrics_registry& of_process();

  class membership;
  struct member;

  /// Each loop, in the order of their names. None ends meanwhile, so `look` should be quick.
  void for_each(const std::function<void(const member&)>& look);

  /// Has every loop run `look` on its own thread: on several at the same time. Waits until all have done so,
  /// at most for `patience`; gives the names of those that did not, and will not. From the thread of a loop
  /// it runs at once for that one, and holds it up meanwhile: better from another thread.
  std::vector<std::string> visit_all(const std::function<void(const member&, loop&)>& look,
                                     std::chrono::nanoseconds patience);

 private:
  using visitor = std::function<void(const member&, loop&)>;
  void attend(member& which) noexcept;
  void run_visit(std::unique_lock<std::mutex>& lock, member& which) noexcept;

  std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<std::shared_ptr<member>> members_;
  std::mutex visiting_; ///< one visit at a time
};

struct metrics_registry::member {
  member(metrics_registry& of, loop& which, std::string called);

  std::string name;
  std::string backend; ///< "io_uring"
  const loop* home;
  pthread_t thread;
  pid_t thread_id; ///< as the kernel numbers it: gettid(2)

  /// Incidents that watchdogs saw.
  std::uint64_t stuck() const noexcept { return stuck_.load(std::memory_order_relaxed); }
  void note_stuck() const noexcept { stuck_.fetch_add(1, std::memory_order_relaxed); }

 private:
  friend class metrics_registry;
  struct attention : work {
    explicit attention(member& of) noexcept;
    member& owner;
  };

  mutable std::atomic<std::uint64_t> stuck_{0};
  metrics_registry& registry_;
  loop& visited_;
  attention attention_;
  const visitor* asked_ = nullptr;
  bool is_running_ = false;
};

class metrics_registry::membership {
 public:
  /// On the thread of `home`. A name that is taken gets a number behind it.
  explicit membership(loop& home, std::string name, metrics_registry& in = of_process());
  ~membership();
  membership(const membership&) = delete;
  membership& operator=(const membership&) = delete;

  const std::string& name() const noexcept { return member_->name; }

 private:
  metrics_registry& registry_;
  loop& home_;
  std::shared_ptr<member> member_;
};

} // namespace weir
