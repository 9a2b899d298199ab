// proactor: runs operations to completion. The one interface that every backend implements;
// docs/operations.md is its contract and tests/io/contract_test.cpp the suite that each passes unchanged.
//
// Thread rule: everything but `wake` belongs to the loop's thread.
#pragma once

#include <weir/base/buffer_pool.hpp>
#include <weir/io/capabilities.hpp>
#include <weir/io/completion_queue.hpp>
#include <weir/io/counters.hpp>
#include <weir/io/operation.hpp>

#include <cstdint>
#include <string>
#include <string_view>

namespace weir {

class blocking_pool;

/// How reads are made (docs/loop.md, "Try or wait").
enum class receive_strategy : std::uint8_t {
  automatic, ///< multishot where proven good, else one_shot (io_uring); adaptive (epoll)
  multishot, ///< io_uring: one receive stays armed
  one_shot, ///< io_uring: a receive is armed after each completion; tries first only when the socket is known
            ///< to hold more
  adaptive, ///< reactor: waits first; reads grow while they come back full
  wait_first,  ///< reactor: waits first; one slot a read
  speculative, ///< reactor: tries again after every read until EAGAIN: what most reactors do, kept for
               ///< comparison
};
std::string_view name_of(receive_strategy strategy) noexcept;

struct proactor_options {
  std::uint32_t operations_max = 16384; ///< submitted at once; more of them park until others complete
  std::uint32_t queue_entries =
      1024; ///< io_uring: submission entries; more of them park until the end of the turn
  std::uint32_t ring_slots = 16; ///< io_uring: pool slots that lie in the kernel's hands, waiting for data
  std::uint32_t quantum_bytes = 128u << 10; ///< most bytes that one stream receives a turn (reactors)
  receive_strategy strategy = receive_strategy::automatic;
  capability_mask allowed = capability_mask::all();
  bool restricted = false; ///< io_uring: the ring refuses what weir does not use (docs/workers.md); an error
                           ///< where the kernel cannot
  blocking_pool* blocking = nullptr; ///< for what is offloaded, outlives the proactor; null: the process's
};

/// How an operation is carried out: docs/operations.md has the table, `weir doctor` prints it for the
/// machine.
enum class execution : std::uint8_t {
  kernel,    ///< asynchronous in the kernel
  readiness, ///< emulated: waits for readiness, then a call that does not block
  inline_,   ///< a call that does not block, made at once; completes at the next turn
  offloaded, ///< a call that may block, made by a thread of the blocking pool
};

class proactor {
 public:
  static constexpr std::uint64_t no_timeout = ~std::uint64_t{0};

  proactor(completion_queue& completed, buffer_pool& pool, loop_counters& counters) noexcept
      : completed_(completed), pool_(pool), counters_(counters) {}
  virtual ~proactor() = default;
  proactor(const proactor&) = delete;
  proactor& operator=(const proactor&) = delete;

  /// Takes an idle operation. Never fails and never runs a handler: what goes wrong is its completion.
  virtual void start(operation& op) noexcept = 0;

  /// Asks that a started operation end soon; it still completes exactly once. Harmless when it has completed
  /// already or was cancelled before. Always has room.
  virtual void cancel(operation& op) noexcept = 0;

  /// All that this turn starts has been started: what can leave without `wait` may leave now, so that peers
  /// have it while the loop still decides how long to sleep. Runs no handler.
  virtual void turn_ends() noexcept {}

  /// Submits what was started, waits until a completion or a wake-up or `timeout_ns` (0: only looks), and
  /// moves what completed into the completion queue, as much as it has room for. One system call where the
  /// kernel allows.
  virtual void wait(std::uint64_t timeout_ns) noexcept = 0;

  /// From any thread, any number of times: makes the current or the next `wait` return. Async-signal-safe.
  virtual void wake() noexcept = 0;

  /// The same as `wait(0)`, without a system call where the backend can; used by the spin budget of the loop.
  virtual void poll() noexcept { wait(0); }

  /// Monotonic time, from an arbitrary start.
  virtual std::uint64_t now_ns() noexcept = 0;

  virtual std::string_view name() const noexcept = 0;
  virtual capability_mask capabilities() const noexcept = 0;
  virtual execution execution_of(operation_kind kind) const noexcept = 0;

 protected:
  // What backends may do with the private parts of an operation.
  using operation_queue = intrusive_queue<operation, &operation::next_>;
  static operation_state& state_of(operation& op) noexcept { return op.state_; }
  static std::uint8_t& owed_to(operation& op) noexcept { return op.owed_; }
  static std::uint16_t& flags_of(operation& op) noexcept { return op.flags_; }
  static int& kept_result_of(operation& op) noexcept { return op.result_; }

  /// Whether it has to wait: at the backend's bound, or behind others that wait. A close waits for nobody: it
  /// is what may free the others, and nothing else is outstanding on its descriptor.
  bool parks(operation& op, bool is_at_bound) noexcept {
    if ((!is_at_bound && parked_.empty()) || op.kind() == operation_kind::close) return false;
    state_of(op) = operation_state::parked;
    ++counters_.operations_parked;
    parked_.push_back(op);
    return true;
  }

  completion_queue& completed_;
  buffer_pool& pool_;
  loop_counters& counters_;
  operation_queue parked_; ///< started beyond a bound: first come, first begun
};

} // namespace weir
