// simulated_pool: the blocking pool of a simulated host. What is submitted runs on the world's thread, at a
// virtual time: after it stood in line for one of as many threads as a real pool would have, and for as long
// as the seed says. So it begins in the order of arrival and ends in any, and a cancellation meets it before,
// in the midst of it, and after.
//
// A function runs at the end of its time, at once and as a whole; it sees the host's kernel. Bounds and
// errors are those of blocking_pool.hpp. A pool of a host that has crashed refuses work with errc::closed and
// has run, without an effect, what was in it. Thread rule: the world's thread. Lifetime: the host's.
#pragma once

#include <weir/io/blocking_pool.hpp>
#include <weir/io/loop.hpp>
#include <weir/sim/event_queue.hpp>
#include <weir/sim/random.hpp>

#include <array>
#include <cstddef>
#include <memory>
#include <vector>

namespace weir::sim {

class host;

class simulated_pool final : public blocking_pool {
 public:
  explicit simulated_pool(host& on, const blocking_pool_options& options = blocking_pool_options());
  ~simulated_pool() override;

  result<> submit(pool_class which, pool_work& item, when_full policy = when_full::refuse) noexcept override;
  bool revoke(pool_class which, pool_work& item) noexcept override;

  std::size_t queued(pool_class which) const noexcept override;
  unsigned threads(pool_class which) const noexcept override;
  unsigned threads_busy(pool_class which) const noexcept override;

  /// The host has crashed: everything in it runs now, where nothing has an effect any more.
  void run_all() noexcept;

 private:
  class crew;
  crew& of(pool_class which) const noexcept { return *crews_[static_cast<std::size_t>(which)]; }

  std::array<std::unique_ptr<crew>, pool_class_count> crews_;
};

} // namespace weir::sim
