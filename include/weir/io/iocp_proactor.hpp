// iocp_proactor: runs operations on the completion ports of Windows (I/O Completion Ports, Win32). A turn's
// packets are taken by one system call.
//
// The kernel carries out whole: accepts (AcceptEx), connects of internet streams (ConnectEx), zero-copy sends
// (WSASend) and the waits of receives: a receive of no bytes ends when there is something to read, so
// connections that are idle hold no memory, and the read takes slots of the pool then. What the kernel
// answers at once makes no packet (FILE_SKIP_COMPLETION_PORT_ON_SUCCESS).
//
// For everything else it is a reactive_proactor: it waits for readiness and makes the call that does not
// block. Readiness are requests to the driver of sockets (afd_poll.hpp), packets of the same port. Sends are
// among this: a send that the kernel holds cannot be taken back without a word about how much of it is out,
// and the system may give up the connection for it; the contract says that a cancelled send reports its part.
// Whoever starts a zero-copy send has chosen that: a cancelled one reports what the system tells.
//
// A handle belongs to the first port that it was given to, for good. Operations on a handle of another loop's
// port wait for readiness, all of them: a socket may change loops. Whether a handle is ours is asked when an
// operation finds its descriptor without any other in flight, because the number may be another file's by
// then; so nothing is remembered that could be wrong (iocp_port.hpp), and a receive that follows a receive
// costs one call more than one that stays (receive_many).
//
// Order: operations on one descriptor and direction complete in the order in which they were started; polls
// stand outside of these lines. The loop's timers end a wait in milliseconds, rounded up, on the ticks of the
// system's clock.
//
// Thread rule: everything but `wake` belongs to the loop's thread. Lifetime: operations end before it does;
// its end waits for what the kernel still has. Bound: `operations_max` in flight, of which each may have one
// request of some 250 bytes (iocp_request.hpp); one more for each descriptor whose readiness is watched.
// Errors: NTSTATUS and Winsock errors as errno values; what has none is EIO.
//
// Reads and writes of files at an offset, of one piece of memory, are the kernel's (ReadFile, WriteFile)
// where the file was opened for that, as the open operation does. The system makes some of them at once, in
// the loop's time: reads of what is cached, writes that make a file longer. All other operations on files are
// made by threads of the blocking pool (file_offload.hpp).
#pragma once

#include <weir/base/result.hpp>
#include <weir/io/reactive_proactor.hpp>

#include <memory>

namespace weir {

class iocp_reactor;
struct iocp_request;

class iocp_proactor final : public reactive_proactor {
 public:
  /// Fails, with the call that did, where the system has no completion ports or no driver of sockets.
  static result<std::unique_ptr<iocp_proactor>> create(completion_queue& completed, buffer_pool& pool,
                                                       loop_counters& counters,
                                                       const proactor_options& options = proactor_options{});
  ~iocp_proactor() override;

  execution execution_of(operation_kind kind) const noexcept override;

 private:
  enum class handed : std::uint8_t { pending, answered, refused };

  iocp_proactor(std::unique_ptr<iocp_reactor> port, completion_queue& completed, buffer_pool& pool,
                loop_counters& counters, const proactor_options& options);
  iocp_proactor(iocp_reactor& port, std::unique_ptr<reactor> same, completion_queue& completed,
                buffer_pool& pool, loop_counters& counters, const proactor_options& options);

  // The life of a request (iocp_proactor.cpp).
  void hand_over(descriptor_state& on) noexcept override;
  bool tries_at_once(const operation& op) const noexcept override;
  bool hand_over_file(file_operation& op) noexcept override; // iocp_files.cpp
  void cancel_carried(operation& op) noexcept override;
  void abandon(operation& op) noexcept override;
  void end_waits(descriptor_state& on, int how) noexcept override;
  void take_answers() noexcept override;
  bool is_ours(descriptor_state& on) noexcept;
  void hand_over_reader(descriptor_state& on, operation& first) noexcept;
  void hand_over_writer(descriptor_state& on, operation& first) noexcept;
  handed settle(iocp_request& request, int failed) noexcept;
  iocp_request* let_go(descriptor_state& on, operation& op) noexcept;
  iocp_request& carrier_of(operation& op) noexcept;
  void take(iocp_request& answered) noexcept;
  void take_on(descriptor_state& on, operation& op, iocp_request& answered) noexcept;

  // What is asked of the kernel for sockets, and what its answers mean (iocp_sockets.cpp).
  handed ask_readable(iocp_request& request) noexcept;
  handed ask_accept(iocp_request& request) noexcept;
  handed ask_connect(iocp_request& request, const connect_operation& op) noexcept;
  handed ask_send(iocp_request& request, const send_operation& op) noexcept;
  void take_readable(descriptor_state& on, operation& op, int result) noexcept;
  void take_accept(descriptor_state& on, operation& op, iocp_request& answered) noexcept;
  void take_connect(descriptor_state& on, operation& op, int result) noexcept;
  void take_send(descriptor_state& on, operation& op, iocp_request& answered) noexcept;

  iocp_reactor& port_;
  int again_left_ = 0; ///< accepts that may follow another within this look at the answers
};

} // namespace weir
