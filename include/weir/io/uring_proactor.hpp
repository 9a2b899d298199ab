// uring_proactor: runs operations on Linux's io_uring. A turn's operations are submitted, and its completions
// taken, by one system call.
//
// Reads are always pending. Where the kernel can, a receive_many is one multishot request (on unix-domain
// sockets: one that is renewed) that fills slots of the pool as data arrives, several a completion; a
// connection that waits holds no memory. The kernel has `ring_slots` slots a wait: no stream, nor all
// together, take more at once.
//
// A receive whose socket is known to hold more, but for which there was no slot, stands in one line with its
// like. While several stand there each is served a slot at a time, so that none takes all.
//
// Try or wait: the kernel says with each receive whether the socket holds more; the next one tries at once or
// waits for readiness accordingly.
//
// A send that is alone in its turn is made by a call of its own, as soon as the turn's work is done: a wait
// that sent as well would end with that send's completion, and the loop would have to wait again. Several
// sends leave in one submission.
//
// shutdown is the call itself, made between submission and wait, behind the sends that were started before
// it: io_uring would wake a worker thread for it. Operations on one descriptor run in whatever order the
// kernel gets to them, once they are submitted.
//
// Operations on files are requests as well. Those that the kernel does not know are made by threads of the
// blocking pool (file_offload.hpp), all of them without the capability `files`.
//
// Thread rule: everything but `wake` belongs to the thread that created it. Fork: a child must not touch it,
// not even destroy it; its memory is not inherited. Lifetime: operations end before it does. Bound:
// `operations_max` in flight, `ring_slots` of the pool with the kernel; what is beyond waits in line. The
// completion queue shared with the kernel has room for the end and the cancellation of every operation; what
// else comes waits in the kernel while it is full.
#pragma once

#include <weir/io/descriptor.hpp>
#include <weir/io/proactor.hpp>
#include <weir/io/transfer_pace.hpp>

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>

struct io_uring_sqe;

namespace weir {

class file_offload;
class receive_message_many_operation;
class uring_buffers;
class uring_ring;
struct uring_completion;

class uring_proactor final : public proactor {
 public:
  /// Fails, with what io_uring_setup said or the self-test found, where io_uring cannot be used.
  static result<std::unique_ptr<uring_proactor>> create(completion_queue& completed, buffer_pool& pool,
                                                        loop_counters& counters,
                                                        const proactor_options& options = proactor_options{});
  ~uring_proactor() override;

  void start(operation& op) noexcept override;
  void cancel(operation& op) noexcept override;
  void turn_ends() noexcept override;
  /// May return early without a completion, when the kernel's answer concerned the backend alone.
  void wait(std::uint64_t timeout_ns) noexcept override;
  void wake() noexcept override;
  std::uint64_t now_ns() noexcept override;

  std::string_view name() const noexcept override { return "io_uring"; }
  capability_mask capabilities() const noexcept override { return capabilities_; }
  execution execution_of(operation_kind kind) const noexcept override;

 private:
  friend class uring_self_test;
  enum class share : std::uint8_t { all, one_slot };

  static result<std::unique_ptr<uring_proactor>> create_unproven(completion_queue& completed,
                                                                 buffer_pool& pool, loop_counters& counters,
                                                                 const proactor_options& options);
  uring_proactor(completion_queue& completed, buffer_pool& pool, loop_counters& counters,
                 const proactor_options& options, std::unique_ptr<uring_ring> ring, descriptor wake_event);
  bool has(capability which) const noexcept { return capabilities_.has(which); }
  void restrict_to(capability_mask proven) noexcept;

  // Admission, waiting and the end (uring_proactor.cpp).
  void begin(operation& op) noexcept;
  void finish(operation& op, int result) noexcept;
  void deliver_finished() noexcept;
  void stage() noexcept;
  bool has_unstaged() const noexcept;
  bool must_not_sleep() const noexcept;
  void run_inline() noexcept;
  bool is_offloaded(operation_kind kind) const noexcept;
  void begin_offloaded(operation& op) noexcept;
  void cancel_offloaded(operation& op) noexcept;
  void take_offloaded() noexcept;
  void clean_up() noexcept;

  // What is asked of the kernel (uring_submission.cpp).
  bool is_local(operation& op) noexcept;
  bool may_stay_armed(operation& op) noexcept;
  void request(operation& op) noexcept;
  void submit_transfers() noexcept;
  void request_queued() noexcept;
  void request_wake() noexcept;
  void join_line(operation& op) noexcept;
  void serve_line() noexcept;
  void request_sends() noexcept;
  void send_at_once(operation& op) noexcept;
  std::size_t slots_to_fill() const noexcept;
  void prepare(io_uring_sqe& entry, operation& op, share of_slots) noexcept;
  void prepare_request(io_uring_sqe& entry, operation& op, share of_slots) noexcept;
  void prepare_receive(io_uring_sqe& entry, receive_operation& op) noexcept;
  void prepare_receive_into_ring(io_uring_sqe& entry, operation& op, share of_slots) noexcept;
  void prepare_receive_into_slot(io_uring_sqe& entry, operation& op) noexcept;
  void prepare_send(io_uring_sqe& entry, send_operation& op) noexcept;

  // Operations on messages (uring_messages.cpp).
  bool stays_armed_for_messages() const noexcept {
    return wants_multishot_ && has(capability::multishot_message);
  }
  int check_receives_messages(operation& op) noexcept;
  void prepare_message(io_uring_sqe& entry, operation& op) noexcept;
  void prepare_message_into_ring(io_uring_sqe& entry, receive_message_many_operation& op) noexcept;
  void prepare_message_into_slot(io_uring_sqe& entry, receive_message_many_operation& op) noexcept;
  void complete_receive_message_many(receive_message_many_operation& op,
                                     const uring_completion& what) noexcept;
  void deliver_message(receive_message_many_operation& op, const uring_completion& what) noexcept;
  void lay_out(const receive_message_many_operation& op, std::byte* slot, std::size_t bytes) noexcept;
  void prepare_send_message(io_uring_sqe& entry, operation& op) noexcept;
  void complete_send_message(operation& op, const uring_completion& what) noexcept;
  void wait_for_room(operation& op) noexcept;

  // What the kernel answers (uring_completion.cpp).
  void take_completions() noexcept;
  void complete(const uring_completion& what) noexcept;
  void complete_cancellation(operation& op, int result) noexcept;
  void complete_wake() noexcept;
  void complete_request(operation& op, const uring_completion& what) noexcept;
  void complete_accept_many(operation& op, const uring_completion& what) noexcept;
  void complete_receive(operation& op, const uring_completion& what) noexcept;
  void complete_receive_many(operation& op, const uring_completion& what) noexcept;
  void go_on_receiving(operation& op, const uring_completion& what, bool goes_on) noexcept;
  void complete_poll_ahead(operation& op, const uring_completion& what) noexcept;
  void complete_send(operation& op, const uring_completion& what) noexcept;
  void complete_file(operation& op, const uring_completion& what) noexcept;
  void note_receive(operation& op, const uring_completion& what) noexcept;
  void deliver(operation& op, const uring_completion& what) noexcept;
  void end(operation& op, int result) noexcept;
  void settle(operation& op) noexcept;

  std::unique_ptr<uring_ring> ring_;
  std::unique_ptr<uring_buffers> buffers_; ///< null without provided buffers
  capability_mask capabilities_;
  bool wants_multishot_;
  std::size_t operations_max_;
  std::size_t pieces_max_;    ///< most leases that one answer of the kernel makes
  std::size_t in_flight_ = 0; ///< begun and not finished
  std::size_t requests_ = 0;  ///< with the kernel, our own included
  operation_queue queued_;    ///< begun or to be cancelled, while there is no submission entry
  operation_queue sends_;     ///< of this turn
  transfer_pace transfers_;   ///< of files, of this turn
  operation_queue line_;      ///< receives that wait for slots
  std::size_t line_length_ = 0;
  operation_queue inline_;   ///< to be done after the next submission
  operation_queue finished_; ///< result kept, while the completion queue has no room

  descriptor wake_event_;
  std::uint64_t wake_count_ = 0; ///< the kernel reads the event into it
  bool wake_is_armed_ = false;
  std::atomic<bool> wake_is_pending_{false}; ///< many wakes, one write
  std::unique_ptr<file_offload> offload_;    ///< goes first: threads may be waking us still
};

} // namespace weir
