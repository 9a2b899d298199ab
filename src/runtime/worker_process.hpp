// worker_process: one worker as its master sees it: the child, the control channel to it, and how far it has
// come. It is killed when it is late: to say that it is ready, that it is alive, or to end.
//
// Thread rule: the loop's thread. Lifetime: outlives `attend`. One that is dropped while its process runs
// kills it.
#pragma once

#include "worker_channel.hpp"

#include <weir/async/event.hpp>
#include <weir/async/task.hpp>
#include <weir/os/process.hpp>
#include <weir/runtime/master_options.hpp>

#include <chrono>
#include <cstdint>
#include <memory>
#include <span>

namespace weir {

enum class worker_state : std::uint8_t { starting, ready, draining, ended };

class worker_process {
 public:
  /// `sockets` become its descriptors from 4 on, in the order of the options.
  static result<std::unique_ptr<worker_process>> start(const master_options& options, const command& program,
                                                       unsigned number, std::span<const int> sockets);

  worker_state state() const noexcept { return state_; }
  std::uint64_t started_ns() const noexcept { return started_ns_; }

  /// Until it has ended: how. `changed` is set whenever its state is another.
  task<result<exit_status>> attend(event& changed);

  /// Asks it to accept no more; from then on its time runs.
  void drain();
  void kill(int signal);

  worker_event event_of(worker_event_kind kind) const;

 private:
  worker_process(const master_options& options, process child, worker_channel channel, unsigned number);
  task<> listen(event& changed);
  task<> enforce_deadline();
  task<result<>> until_due_is_new();
  void take(worker_message told, event& changed);
  void enter(worker_state next, event& changed);
  void expect(std::chrono::nanoseconds within, const char* what);
  void expect_word();
  void be_overdue();

  const master_options& options_;
  process process_;
  worker_channel channel_;
  unsigned number_;
  std::uint64_t started_ns_;
  worker_state state_ = worker_state::starting;
  bool is_told_to_drain_ = false;
  bool is_overdue_ = false; ///< it is being killed

  std::uint64_t due_ns_ = 0;       ///< when it is late
  const char* expected_ = "ready"; ///< what for
  event due_is_new_{event_reset::manual};
};

} // namespace weir
