// blocking_pool: threads for what blocks: long computations, files, name resolution, libraries that wait.
//
// Work comes in four classes, each with its own queue, its own lock and its own threads: whatever one class
// is full of, the others go on. A class begins its work in the order of arrival. Threads start when work
// waits and none is idle, up to `threads_max` of the class; one that was idle for `idle_ns` ends. They block
// all signals, and run on the cores that the thread may use which made the pool: a loop that is pinned starts
// them, and must not share its core with them. Where they share one with a loop all the same, the loop comes
// first: they are SCHED_BATCH (sched(7)), unless who starts them is a real-time thread. Bound: `queue_max`
// pieces of a class that have not begun; at the bound `submit` refuses with errc::limit_reached. Who waits
// for the answer anyway may stand in line behind the bound (`when_full::wait`): the line is made of the
// waiters' own memory. A refused piece has not begun and never will. Thread rule: any thread. Lifetime:
// outlives who submits; its end runs what is queued still and waits for it, so that nobody who was promised
// an answer goes without; the process's pool never ends. Fork: a child has no threads of its parent's pools
// and must neither use nor destroy one; it may exit.
#pragma once

#include <weir/base/intrusive.hpp>
#include <weir/base/result.hpp>

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string_view>

namespace weir {

enum class pool_class : std::uint8_t {
  cpu,  ///< computes; more threads than cores gain nothing
  disk, ///< waits for storage
  dns,  ///< waits for name servers, maybe long
  user, ///< whatever else blocks
};
inline constexpr std::size_t pool_class_count = 4;
std::string_view name_of(pool_class which) noexcept;

enum class when_full : bool { refuse, wait };

/// A piece of blocking work: a function, run once on a thread of the pool. Owned by whoever submits it; from
/// `submit` until the function begins it belongs to the pool, then to the function, which may end its life.
class pool_work : public list_hook<pool_work> {
 public:
  using function = void (*)(pool_work& self) noexcept;
  explicit pool_work(function to_run) noexcept : run_(to_run) {}

 private:
  friend class blocking_pool;
  function run_;
};

struct pool_class_options {
  pool_class_options(unsigned threads, std::size_t queued) noexcept
      : threads_max(threads), queue_max(queued) {}

  unsigned threads_max;  ///< at least 1
  std::size_t queue_max; ///< pieces that have not begun
};

struct blocking_pool_options {
  /// A thread a core for `cpu`, eight for `disk` and `user`, four for `dns`; 256 queued in each.
  blocking_pool_options() noexcept;

  pool_class_options& of(pool_class which) noexcept { return classes[static_cast<std::size_t>(which)]; }

  std::array<pool_class_options, pool_class_count> classes;
  std::uint64_t idle_ns = 10'000'000'000; ///< more than a year is a year
};

class blocking_pool {
 public:
  explicit blocking_pool(const blocking_pool_options& options = blocking_pool_options());
  virtual ~blocking_pool();

  /// The one that loops use unless they are given another; made when it is first asked for (loop_group asks
  /// before it pins a thread), never destroyed.
  static blocking_pool& of_process();

  /// Errors: errc::limit_reached at the bound, errc::closed while the pool ends; std::errc of the system when
  /// not even one thread could be started. The work is the caller's still then.
  virtual result<> submit(pool_class which, pool_work& item, when_full policy = when_full::refuse) noexcept;
  /// True: it had not begun, never will, and is the caller's. False: it has begun.
  virtual bool revoke(pool_class which, pool_work& item) noexcept;

  virtual std::size_t queued(pool_class which) const noexcept;
  virtual unsigned threads(pool_class which) const noexcept;
  virtual unsigned threads_busy(pool_class which) const noexcept;

 protected:
  /// A pool that has no threads and runs its work otherwise, with `run`: for simulation.
  struct no_threads {};
  explicit blocking_pool(no_threads) noexcept;
  static void run(pool_work& item) noexcept { item.run_(item); }

 private:
  class crew;
  crew& of(pool_class which) const noexcept { return *crews_[static_cast<std::size_t>(which)]; }

  std::array<std::unique_ptr<crew>, pool_class_count> crews_;
};

} // namespace weir
