// What is asked of the kernel: from operations to submission queue entries.
#include "nonblocking_calls.hpp"
#include "thread_sanitizer.hpp"
#include "uring_buffers.hpp"
#include "uring_files.hpp"
#include "uring_ring.hpp"

#include <weir/io/uring_proactor.hpp>

#include <poll.h>
#include <sys/socket.h>

#include <algorithm>
#include <cassert>
#include <climits>

namespace weir {
namespace {

/// Longer transfers come out short, as any may.
std::size_t transfer_bytes(std::size_t wanted) noexcept {
  return std::min<std::size_t>(wanted, INT_MAX);
}

bool is_local_socket(int number) noexcept {
  int family = AF_UNSPEC;
  socklen_t size = sizeof family;
  return ::getsockopt(number, SOL_SOCKET, SO_DOMAIN, &family, &size) == 0 && family == AF_UNIX;
}

} // namespace

/// Asked once for each operation: re-arming a receive costs no call of its own.
bool uring_proactor::is_local(operation& op) noexcept {
  if ((flags_of(op) & uring_flag::knows_family) == 0) {
    ++counters_.system_calls;
    flags_of(op) |= uring_flag::knows_family;
    if (is_local_socket(op.descriptor())) flags_of(op) |= uring_flag::is_local;
  }
  return (flags_of(op) & uring_flag::is_local) != 0;
}

/// Whether a receive_many stays armed. Not on unix-domain sockets: since Linux 6.17 they say how much they
/// hold, the kernel believes that they hold nothing when only their end is left, and the multishot receive
/// may never see it. Arming anew looks at the socket anew.
bool uring_proactor::may_stay_armed(operation& op) noexcept {
  return wants_multishot_ && has(capability::multishot_receive) && !is_local(op);
}

/// Asks for what the operation needs next: its request, or its cancellation. Both wait in one queue while
/// there is no entry.
void uring_proactor::request(operation& op) noexcept {
  if (io_uring_sqe* entry = queued_.empty() ? ring_->next_entry() : nullptr) {
    prepare(*entry, op, share::all);
    if (is_transfer_at(op.kind()) && transfers_.staged()) submit_transfers();
  } else {
    flags_of(op) |= uring_flag::in_queue;
    queued_.push_back(op);
  }
}

void uring_proactor::submit_transfers() noexcept {
  const unsigned before = ring_->answers();
  counters_.system_calls.count(system_call::submit);
  ring_->submit();
  transfers_.submitted(ring_->answers() - before);
}

void uring_proactor::request_queued() noexcept {
  while (!queued_.empty()) {
    io_uring_sqe* const entry = ring_->next_entry();
    if (!entry) return;
    operation& op = *queued_.pop_front();
    flags_of(op) &= static_cast<std::uint16_t>(~uring_flag::in_queue);
    prepare(*entry, op, share::all);
  }
}

void uring_proactor::request_wake() noexcept {
  io_uring_sqe* const entry = ring_->next_entry();
  if (!entry) return;
  io_uring_prep_read(entry, wake_event_.get(), &wake_count_, sizeof wake_count_, 0);
  entry->user_data = user_data_of(uring_tag::wake);
  ++requests_;
  wake_is_armed_ = true;
}

// --- the line of receives that wait for slots ---

void uring_proactor::join_line(operation& op) noexcept {
  if (slots_to_fill() == 0 && pool_.slots_free() == 0) ++counters_.receives_starved;
  flags_of(op) |= uring_flag::in_line;
  line_.push_back(op);
  ++line_length_;
}

std::size_t uring_proactor::slots_to_fill() const noexcept {
  return buffers_ ? buffers_->count() : pool_.slots_free();
}

/// One that stands alone may take all there is. Of several each is given one slot and comes back to the end
/// of the line if its socket holds more.
void uring_proactor::serve_line() noexcept {
  const share each = line_length_ > 1 ? share::one_slot : share::all;
  for (std::size_t slots = slots_to_fill(); slots > 0 && !line_.empty(); --slots) {
    io_uring_sqe* const entry = ring_->next_entry();
    if (!entry) return;
    operation& op = *line_.pop_front();
    --line_length_;
    prepare(*entry, op, each); // as one from the line
    flags_of(op) &= static_cast<std::uint16_t>(~uring_flag::in_line);
  }
}

// --- the sends of a turn ---

void uring_proactor::turn_ends() noexcept {
  if (sends_.has_at_most_one()) request_sends();
}

void uring_proactor::request_sends() noexcept {
  const bool is_alone = sends_.has_at_most_one();
  while (operation* op = sends_.pop_front()) {
    flags_of(*op) &= static_cast<std::uint16_t>(~uring_flag::in_sends);
    const bool is_batch = op->kind() == operation_kind::send_messages; // for which there is no request
    is_alone || is_batch ? send_at_once(*op) : request(*op);
  }
}

void uring_proactor::send_at_once(operation& op) noexcept {
  const thread_sanitizer::unnoted_descriptors scope; // of which the kernel closes this one
  const int result = nonblocking::send(op, counters_);
  if (result == nonblocking::would_block)
    wait_for_room(op);
  else
    finish(op, result);
}

// --- submission queue entries ---

void uring_proactor::prepare(io_uring_sqe& entry, operation& op, share of_slots) noexcept {
  if (op.state() == operation_state::cancelling) {
    io_uring_prep_cancel64(&entry, user_data_of(uring_tag::operation, &op), 0);
    entry.user_data = user_data_of(uring_tag::cancellation, &op);
  } else {
    prepare_request(entry, op, of_slots);
    entry.user_data = user_data_of(uring_tag::operation, &op);
    thread_sanitizer::kernel_takes();
  }
  ++owed_to(op);
  ++requests_;
}

void uring_proactor::prepare_request(io_uring_sqe& entry, operation& op, share of_slots) noexcept {
  constexpr int accept_flags = SOCK_CLOEXEC | SOCK_NONBLOCK;
  const int target = op.descriptor();
  switch (op.kind()) {
  case operation_kind::nop:
    io_uring_prep_nop(&entry);
    break;
  case operation_kind::accept:
    io_uring_prep_accept(&entry, target, nullptr, nullptr, accept_flags);
    break;
  case operation_kind::accept_many:
    io_uring_prep_accept(&entry, target, nullptr, nullptr, accept_flags);
    if (has(capability::multishot_accept)) entry.ioprio |= IORING_ACCEPT_MULTISHOT;
    break;
  case operation_kind::connect: {
    const auto& connect = static_cast<const connect_operation&>(op);
    io_uring_prep_connect(&entry, target, connect.address, connect.address_bytes);
    break;
  }
  case operation_kind::receive:
    prepare_receive(entry, static_cast<receive_operation&>(op));
    break;
  case operation_kind::receive_many:
    if (has(capability::provided_buffers))
      prepare_receive_into_ring(entry, op, of_slots);
    else
      prepare_receive_into_slot(entry, op);
    break;
  case operation_kind::send:
  case operation_kind::send_zero_copy:
    prepare_send(entry, static_cast<send_operation&>(op));
    break;
  case operation_kind::send_gathered:
    io_uring_prep_sendmsg(&entry, target, &static_cast<send_gathered_operation&>(op).header, MSG_NOSIGNAL);
    break;
  case operation_kind::poll:
    io_uring_prep_poll_add(&entry, target, static_cast<const poll_operation&>(op).events);
    break;
  case operation_kind::close:
    // In the submission that is due anyway, rather than a system call of its own. A socket's close does not
    // leave for a worker thread.
    io_uring_prep_close(&entry, target);
    break;
  case operation_kind::receive_message:
  case operation_kind::receive_message_many:
  case operation_kind::send_message:
  case operation_kind::send_messages:
    prepare_message(entry, op);
    break;
  case operation_kind::shutdown:
    assert(false && "shutdown is run inline");
    break;
  default:
    prepare_file_request(entry, static_cast<file_operation&>(op));
  }
}

/// Waits before it tries, unless more than was taken is known to be there.
void uring_proactor::prepare_receive(io_uring_sqe& entry, receive_operation& op) noexcept {
  io_uring_prep_recv(&entry, op.descriptor(), op.buffer.data(), transfer_bytes(op.buffer.size()),
                     op.wait_for_all ? MSG_WAITALL : 0);
  const bool tries_first = op.wait_for_all || (flags_of(op) & uring_flag::more_data) != 0;
  if (!tries_first && has(capability::poll_first)) entry.ioprio |= IORING_RECVSEND_POLL_FIRST;
}

void uring_proactor::prepare_send(io_uring_sqe& entry, send_operation& op) noexcept {
  const bool zero_copy = op.kind() == operation_kind::send_zero_copy && has(capability::send_zero_copy) &&
                         (flags_of(op) & uring_flag::must_copy) == 0;
  const std::size_t bytes = transfer_bytes(op.buffer.size());
  if (zero_copy)
    io_uring_prep_send_zc(&entry, op.descriptor(), op.buffer.data(), bytes, MSG_NOSIGNAL, 0);
  else
    io_uring_prep_send(&entry, op.descriptor(), op.buffer.data(), bytes, MSG_NOSIGNAL);
}

/// The kernel picks slots of our ring when data is there. One from the line knows that data waits. A
/// multishot receive tries at once, always: one that meets both data and the end of the stream when it is
/// armed would be woken only once.
void uring_proactor::prepare_receive_into_ring(io_uring_sqe& entry, operation& op, share of_slots) noexcept {
  const bool multishot = of_slots == share::all && may_stay_armed(op);
  const bool bundles = has(capability::bundles) && of_slots == share::all;
  // A length of 0 means "whatever fits", which only receives of several slots know.
  const std::size_t length = multishot || bundles ? 0 : pool_.slot_bytes();
  io_uring_prep_recv(&entry, op.descriptor(), nullptr, length, 0);
  entry.flags |= IOSQE_BUFFER_SELECT;
  entry.buf_group = uring_buffers::group;
  if (multishot) entry.ioprio |= IORING_RECV_MULTISHOT;
  if (bundles) entry.ioprio |= uring_abi::receive_bundle;
  const bool tries_first = multishot || (flags_of(op) & uring_flag::in_line) != 0;
  if (!tries_first && has(capability::poll_first)) entry.ioprio |= IORING_RECVSEND_POLL_FIRST;
}

/// Without provided buffers a slot is taken only when data is there: a poll goes ahead of each receive.
void uring_proactor::prepare_receive_into_slot(io_uring_sqe& entry, operation& op) noexcept {
  if ((flags_of(op) & uring_flag::in_line) == 0) {
    io_uring_prep_poll_add(&entry, op.descriptor(), POLLIN | POLLRDHUP);
    flags_of(op) |= uring_flag::polling;
    return;
  }
  block& slot = *pool_.acquire().release_owner(); // serve_line saw that there is one
  io_uring_prep_recv(&entry, op.descriptor(), slot.data, slot.capacity_bytes, MSG_DONTWAIT);
  flags_of(op) |= uring_flag::has_slot;
  kept_result_of(op) = static_cast<int>(pool_.index_of(slot));
}

} // namespace weir
