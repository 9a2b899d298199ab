// reactive_proactor: turns any reactor into a proactor: waits for readiness, then makes the call that does
// not block. epoll and kqueue share all of it.
//
// Reads wait first. Readiness is level-triggered, so one read a turn never meets an empty socket (no EAGAIN),
// and what it leaves is reported by the next wait. `adaptive` offers a read more slots for as long as reads
// come back full, up to the quantum; a short read offers fewer. Always-pending reads (receive_many) keep the
// head of their descriptor's line until they end. With the pool empty they stand in a line of streams,
// unwatched, and read in that order when slots return.
//
// Writes try first, and wait for room only behind other writes or when the last write filled the socket.
//
// Order: operations on one descriptor and direction complete in the order in which they were started; polls
// stand outside of these lines.
//
// Interest is changed at the wait, where a turn's changes cancel out. Interest in reading outlives its
// operation until readiness is reported that nobody waits for, so a read after a read costs no epoll_ctl.
//
// Descriptors: sockets, for operations other than poll and close. One on which accept or connect is started
// must be non-blocking; others may block, since data moves with MSG_DONTWAIT. They are closed by the close
// operation, or by close(2) once nothing is outstanding on them. One case is out of reach then: a number that
// is closed by close(2) and given to a file that this proactor does not connect, in the very turn that a read
// on it succeeded. A poll makes sure of its number, unless told that it is the same file.
//
// Errors: connect to a unix-domain listener whose backlog is full fails with -EAGAIN: transient, and nothing
// tells when it is worth another try (connect(2)). accept ends at errors of this side (EMFILE, ENOBUFS) and
// skips connections that died in the backlog. wait_for_all that meets an error or its cancellation half-way
// completes with the count so far.
//
// Operations on files have no readiness: threads of the blocking pool make their calls (file_offload.hpp),
// where no kernel carries them out.
//
// Thread rule: everything but `wake` belongs to the loop's thread. Lifetime: operations end before it does.
// Bound: about 100 bytes for each descriptor number seen so far, allocated once; operations_max at once, more
// of them park in order of arrival.
#pragma once

#include <weir/io/proactor.hpp>
#include <weir/io/reactor.hpp>

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>

namespace weir {

class file_offload;
class file_operation;

class reactive_proactor : public proactor {
 public:
  /// The counters are those that the reactor counts in: each system call is counted by who makes it.
  /// Strategies of io_uring mean `adaptive` here.
  reactive_proactor(std::unique_ptr<reactor> demultiplexer, completion_queue& completed, buffer_pool& pool,
                    loop_counters& counters, const proactor_options& options = proactor_options{});
  ~reactive_proactor() override;

  void start(operation& op) noexcept override;
  void cancel(operation& op) noexcept override;
  void wait(std::uint64_t timeout_ns) noexcept override;
  void wake() noexcept override { reactor_->wake(); }
  std::uint64_t now_ns() noexcept override;

  std::string_view name() const noexcept override { return reactor_->name(); }
  /// None: there is nothing in the kernel to be capable of.
  capability_mask capabilities() const noexcept override { return capability_mask(); }
  execution execution_of(operation_kind kind) const noexcept override;

 protected:
  struct descriptor_state;
  class descriptor_table;

  // For a kernel that carries some operations out whole (iocp_proactor). What it carries stays first in its
  // line, waits for no readiness, and is completed by nobody else.
  static constexpr std::uint16_t flag_connecting = 2; ///< the kernel has begun to connect
  static constexpr std::uint16_t flag_carried = 4;
  static bool is_carried(operation& op) noexcept { return (flags_of(op) & flag_carried) != 0; }

  /// Before each wait, for descriptors whose lines have changed: hands over what is first in line, where the
  /// kernel takes it.
  virtual void hand_over(descriptor_state&) noexcept {}
  /// Whether a write is made at once that finds nobody in line; else `hand_over` finds it there first.
  virtual bool tries_at_once(const operation&) const noexcept { return true; }
  /// Whether the kernel takes this operation on a file, and its answer completes it; else a thread makes its
  /// call.
  virtual bool hand_over_file(file_operation&) noexcept { return false; }
  /// Asks that the kernel let go of it; its answer completes it.
  virtual void cancel_carried(operation&) noexcept {}
  /// It completes now, against the contract of close, whatever the kernel answers.
  virtual void abandon(operation&) noexcept {}
  /// Directions of it were shut down here (SHUT_RD, SHUT_WR, SHUT_RDWR): ends what waits for readiness that
  /// no kernel will report.
  virtual void end_waits(descriptor_state&, int) noexcept {}
  /// Completes what the kernel has answered.
  virtual void take_answers() noexcept {}

  descriptor_table& table() noexcept { return *table_; }
  bool has_room(std::size_t count) const noexcept { return finished_.empty() && completed_.has_room(count); }
  void complete(operation& op, int result) noexcept;
  void complete_on(descriptor_state& on, operation& op, int result) noexcept;
  void stop(descriptor_state& on, operation& op, int error) noexcept;
  void serve_readers(descriptor_state& on) noexcept;
  void serve_writers(descriptor_state& on) noexcept;

  static constexpr int accepts_per_turn_max =
      64; ///< connections that a listener gives in a turn: as with bytes, none may starve the others

 private:
  struct write_outcome {
    int result;
    bool is_in_full; ///< false: the socket has no more room
  };
  static constexpr std::size_t slots_per_read_max = 32;

  // What the flags of an operation mean here.
  static constexpr std::uint16_t flag_starved = 1; ///< its descriptor is readable and the pool was empty
  static bool is_starved(operation& op) noexcept { return (flags_of(op) & flag_starved) != 0; }

  // The life of an operation (reactive_proactor.cpp).
  void begin(operation& op) noexcept;
  void begin_on_descriptor(operation& op, descriptor_state& on) noexcept;
  void begin_write(operation& op, descriptor_state& on) noexcept;
  void begin_parked() noexcept;
  void close_now(operation& op) noexcept;
  void shut_down(shutdown_operation& op) noexcept;
  void begin_on_file(file_operation& op) noexcept;
  void cancel_offloaded(file_operation& op) noexcept;
  void take_offloaded() noexcept;
  void stand_in_line(operation& op, operation_queue& line, descriptor_state& on) noexcept;
  void stop_line(descriptor_state& on, operation_queue& line, int error) noexcept;
  void stop_all(descriptor_state& on, int error) noexcept;
  void deliver_finished() noexcept;
  void update_interest() noexcept;
  void watch(descriptor_state& on, readiness wanted) noexcept;
  void dispatch(const ready_event& event) noexcept;

  // What readiness leads to (reactive_transfer.cpp).
  void serve(descriptor_state& on, readiness events) noexcept;
  void serve_accepts(descriptor_state& on) noexcept;
  std::size_t receive_once(descriptor_state& on) noexcept;
  std::size_t receive_into_buffer(descriptor_state& on, operation& op) noexcept;
  std::size_t receive_into_slots(descriptor_state& on, operation& op) noexcept;
  std::size_t receive_message(descriptor_state& on, operation& op) noexcept;
  std::size_t receive_messages(descriptor_state& on, operation& op) noexcept;
  std::size_t take_slots(std::size_t wanted, std::span<iovec> pieces) noexcept;
  std::size_t deliver(operation& op, std::size_t received) noexcept;
  void wait_for_slots(descriptor_state& on, operation& op) noexcept;
  void serve_starved() noexcept;
  write_outcome write_once(operation& op) noexcept;
  void serve_polls(descriptor_state& on, readiness events) noexcept;

  std::unique_ptr<reactor> reactor_;
  std::unique_ptr<descriptor_table> table_;
  bool is_one_shot_;
  receive_strategy strategy_;
  std::size_t quantum_bytes_;
  std::size_t burst_slots_max_; ///< slots that make a quantum
  std::size_t operations_max_;
  std::size_t active_ = 0;                        ///< begun and not complete
  std::uint32_t wait_number_ = 0;                 ///< names the turn
  std::array<lease, slots_per_read_max> offered_; ///< slots of the read under way, else empty
  operation_queue finished_;              ///< complete, result kept, while the completion queue has no room
  std::unique_ptr<file_offload> offload_; ///< goes first: threads may be waking the reactor still
};

} // namespace weir
