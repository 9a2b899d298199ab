// task_owner: somebody who owns tasks that run on their own, such as a nursery. It is on a list of its loop
// while it has any, so that whoever asks what the loop waits for is told.
//
// Thread rule: the loop's thread. Bound: intrusive, no memory of its own; its tasks cost nothing here.
// Lifetime: the loop outlives its tasks.
#pragma once

#include <weir/base/intrusive.hpp>
#include <weir/io/cancellation.hpp>

#include <cstddef>
#include <source_location>

namespace weir {

/// What it says of itself.
struct owned_tasks {
  const char* kind = "";      ///< "nursery"
  std::source_location where; ///< where it was made
  std::size_t running = 0;    ///< at most `limit`
  std::size_t limit = 0;
  std::size_t waiting = 0;             ///< those who stand in line to add one
  bool is_ending = false;              ///< its tasks were asked to end
  const cancellation* scope = nullptr; ///< of its tasks: `for_each_wait` tells what they wait for
};

class task_owner : public list_hook<> {
 public:
  using report = owned_tasks (*)(const task_owner& self);
  explicit task_owner(report how) noexcept : report_(how) {}
  ~task_owner() { unlink(); }

  owned_tasks owned() const { return report_(*this); }

 private:
  report report_;
};

} // namespace weir
