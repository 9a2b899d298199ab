// sim_proactor: the operations of one loop on a simulated host. docs/operations.md is its contract as that of
// every backend; where the contract leaves a choice, the seed makes it: how much a transfer moves, when and
// in which order completions become known, what a cancellation comes too late for, when a receive that stays
// armed has to be armed anew.
//
// `wait` never blocks the thread: a loop that the world turns returns to it, and the world turns it again
// when it has something to do. A loop that somebody else turns, such as a test, lets the world go on inside
// its wait. Thread rule: the world's thread, `wake` any. Lifetime: ends before its host. Bound:
// operations_max at once, more of them park in order of arrival; no allocation in a steady state.
#pragma once

#include <weir/base/ring.hpp>
#include <weir/io/proactor.hpp>
#include <weir/sim/event_queue.hpp>
#include <weir/sim/fault.hpp>
#include <weir/sim/file.hpp>

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

namespace weir {
class send_messages_operation;
}

namespace weir::sim {

class host;

class sim_proactor final : public proactor {
 public:
  sim_proactor(host& on, completion_queue& completed, buffer_pool& pool, loop_counters& counters,
               const proactor_options& options = proactor_options{});
  ~sim_proactor() override;

  void start(operation& op) noexcept override;
  void cancel(operation& op) noexcept override;
  void wait(std::uint64_t timeout_ns) noexcept override;
  void wake() noexcept override;
  void poll() noexcept override;
  std::uint64_t now_ns() noexcept override;

  std::string_view name() const noexcept override { return "sim"; }
  capability_mask capabilities() const noexcept override { return capabilities_; }
  execution execution_of(operation_kind kind) const noexcept override;

  // Of the world.
  /// Who turns the loop returns to the world from each wait.
  void turned_by_world() noexcept { is_turned_by_world_ = true; }
  std::uint64_t runnable_at_ns() const noexcept;
  /// The end of its wait: moves what has become known since into the completion queue. False: nothing has,
  /// and it sleeps on.
  bool end_wait() noexcept;
  /// Its host has crashed: every operation ends with -ECANCELED at once, timers are due, nothing that it does
  /// has an effect.
  void die() noexcept;

 private:
  class port;
  struct delayed_step;
  /// A completion that is known and has not reached the completion queue.
  struct known_completion {
    operation* op;
    completion what;
  };
  using step = void (sim_proactor::*)(operation& op) noexcept;

  // What the flags of an operation mean here.
  static constexpr std::uint16_t flag_connecting = 1; ///< has begun to connect
  static constexpr std::uint16_t flag_deaf = 2;       ///< a receive_many between two armings
  static constexpr std::uint16_t flag_moved = 4;      ///< has its result, which is told later
  static bool has(operation& op, std::uint16_t flag) noexcept { return (flags_of(op) & flag) != 0; }

  // The life of an operation (sim_proactor.cpp).
  void begin(operation& op) noexcept;
  void begin_parked() noexcept;
  void begin_on_socket(operation& op) noexcept;
  void begin_write(operation& op, port& on) noexcept;
  void complete(operation& op, int result) noexcept;
  void tell(operation& op, completion&& what) noexcept;
  void hand_over() noexcept;
  void look() noexcept;
  bool has_news() const noexcept;
  bool take_wake() noexcept;
  void let_world_go_on() noexcept;
  bool is_full() const noexcept { return !known_.empty() || !completed_.has_room(); }
  /// What it took already is not lost.
  void stop(operation& op, int error) noexcept;
  bool leave_line(operation& op) noexcept;
  void end_cancellation(operation& op) noexcept;
  /// After each piece of what stays armed: whether a cancellation that came late ends it now.
  bool hears_of_cancellation(operation& op) noexcept;
  void tell_kept(operation& op) noexcept;

  // Later: calls `then` after `delay_ns` of virtual time, unless it is dropped before. Once for an operation
  // at a time.
  void later(operation& op, std::uint64_t delay_ns, step then) noexcept;
  void tell_when_copied(operation& op, std::span<const std::byte> lent) noexcept;
  void add_step();
  bool drop_later(operation& op) noexcept;
  void step_due(delayed_step& which) noexcept;

  // Operations on files (sim_files.cpp). They take `op`, which is submitted, to its `complete`.
  void begin_on_file(operation& op) noexcept;
  /// One that has begun completes with its true result; one that has not with -ECANCELED.
  void cancel_on_file(operation& op) noexcept;
  void carry_out(operation& op) noexcept;
  void tell_carried_out(operation& op) noexcept;

  // What readiness leads to (sim_transfer.cpp).
  port* port_of(file& what) noexcept; ///< null: none yet
  port& make_port(file& what);
  void release(port& on) noexcept;
  void file_closed(port& on) noexcept;
  void serve_ready() noexcept;
  void serve(port& on) noexcept;
  void serve_readers(port& on) noexcept;
  bool may_be_served(port& on, const operation& op) const noexcept;
  bool has_no_descriptor_left() const noexcept;
  bool serve_accept(port& on, operation& op) noexcept;
  void finish_reader(port& on, operation& op, int result) noexcept;
  std::size_t receive_once(port& on, operation& op, std::size_t most) noexcept;
  std::size_t receive_into_buffer(port& on, operation& op, std::size_t most) noexcept;
  std::size_t receive_into_slot(port& on, operation& op, std::size_t most) noexcept;
  std::size_t receive_message(port& on, operation& op) noexcept;
  std::size_t receive_messages(port& on, operation& op) noexcept;
  lease acquire_slot(port& on) noexcept;
  bool stays_armed(operation& op) noexcept; ///< after a piece
  bool may_fall_deaf(operation& op) noexcept;
  void arm_anew(operation& op) noexcept;
  void serve_writers(port& on) noexcept;
  int write_once(port& on, operation& op) noexcept;
  int connect_once(port& on, connect_operation& op) noexcept;
  int send_stream(port& on, const msghdr& header) noexcept;
  int send_whole(port& on, const msghdr& header) noexcept;
  int send_several(port& on, send_messages_operation& op) noexcept;
  static constexpr int would_block = 1 << 31; ///< of a write: it waits in line
  int count_sent(int outcome) noexcept;
  void serve_polls(port& on) noexcept;
  std::size_t drawn_part(fault kind, std::size_t most) noexcept;

  bool happens(fault kind) noexcept;
  std::uint64_t delay_of(fault kind, std::uint64_t most_ns) noexcept;

  host& host_;
  capability_mask capabilities_;
  std::size_t operations_max_;
  std::size_t quantum_bytes_;
  std::size_t active_ = 0;
  intrusive_list<port> ready_;          ///< something may have changed there
  intrusive_list<port, fault> starved_; ///< readable, and the pool was empty: first come, first served
  ring<known_completion> known_;
  std::vector<std::unique_ptr<port>> ports_;
  std::vector<port*> idle_ports_;
  std::vector<std::unique_ptr<delayed_step>> steps_;
  std::vector<delayed_step*> due_steps_;
  std::vector<delayed_step*> idle_steps_;
  std::uint64_t sleeps_until_ns_ = 0;
  std::uint64_t dead_ns_ = 0; ///< the time of a host that has crashed
  bool is_turned_by_world_ = false;
  bool is_dead_ = false;
  bool overlooks_ = false; ///< the wait under way ends without a look at what is known
  std::atomic<bool> wake_asked_{false};
};

} // namespace weir::sim
