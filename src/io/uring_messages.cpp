// Operations on messages: what is asked of the kernel for them, and what it answers.
//
// receive_message_many in three ways, from the best: one request that stays armed, whose messages the kernel
// lays out in slots of our ring; one request a message, after which weir lays it out; a poll, then a receive
// into a slot that is taken when there is something for it.
#include "message_slot.hpp"
#include "nonblocking_calls.hpp"
#include "uring_buffers.hpp"
#include "uring_ring.hpp"

#include <weir/io/message_operations.hpp>
#include <weir/io/uring_proactor.hpp>

#include <poll.h>

#include <cassert>
#include <cerrno>
#include <new>

namespace weir {
namespace {

/// Taken from the kernel's ring without a slot: a message without bytes leaves the slot that it was offered
/// in place. Any block will do for it, and if there is none it is lost, as datagrams are.
lease room_for_empty_message(buffer_pool& pool, std::size_t size_bytes) noexcept {
  if (lease slot = pool.acquire(); slot.owner()) return slot;
  try {
    return lease::allocate(size_bytes);
  } catch (const std::bad_alloc&) {
    return {};
  }
}

} // namespace

/// Whether there are messages to be had: asked once for each socket. 0 or -errno.
int uring_proactor::check_receives_messages(operation& op) noexcept {
  if ((flags_of(op) & uring_flag::is_checked) != 0) return 0;
  const int outcome = nonblocking::check_is_datagram(op.descriptor(), counters_);
  if (outcome == 0) flags_of(op) |= uring_flag::is_checked;
  return outcome;
}

void uring_proactor::prepare_message(io_uring_sqe& entry, operation& op) noexcept {
  const int target = op.descriptor();
  switch (op.kind()) {
  case operation_kind::receive_message: {
    auto& receive = static_cast<receive_message_operation&>(op);
    receive.fill_header();
    io_uring_prep_recvmsg(&entry, target, &receive.header, MSG_CMSG_CLOEXEC);
    const bool tries_first = (flags_of(op) & uring_flag::more_data) != 0;
    if (!tries_first && has(capability::poll_first)) entry.ioprio |= IORING_RECVSEND_POLL_FIRST;
    break;
  }
  case operation_kind::receive_message_many: {
    auto& receive = static_cast<receive_message_many_operation&>(op);
    if (has(capability::provided_buffers))
      prepare_message_into_ring(entry, receive);
    else
      prepare_message_into_slot(entry, receive);
    break;
  }
  default:
    prepare_send_message(entry, op);
  }
}

void uring_proactor::prepare_message_into_ring(io_uring_sqe& entry,
                                               receive_message_many_operation& op) noexcept {
  op.header = msghdr{};
  op.header.msg_namelen = message_header::from_room_bytes;
  op.header.msg_controllen = op.control.size();
  if (!stays_armed_for_messages()) {
    // The bytes will be moved behind address and control data, which come here.
    op.piece = {nullptr, pool_.slot_bytes() - message_header::payload_offset(op.control.size())};
    op.header.msg_name = &op.from;
    op.header.msg_control = op.control.empty() ? nullptr : op.control.data();
    op.header.msg_iov = &op.piece;
    op.header.msg_iovlen = 1;
  }
  io_uring_prep_recvmsg(&entry, op.descriptor(), &op.header, MSG_CMSG_CLOEXEC);
  entry.flags |= IOSQE_BUFFER_SELECT;
  entry.buf_group = uring_buffers::group;
  if (stays_armed_for_messages())
    entry.ioprio |= IORING_RECV_MULTISHOT;
  else if ((flags_of(op) & uring_flag::in_line) == 0 && has(capability::poll_first))
    entry.ioprio |= IORING_RECVSEND_POLL_FIRST;
}

void uring_proactor::prepare_message_into_slot(io_uring_sqe& entry,
                                               receive_message_many_operation& op) noexcept {
  if ((flags_of(op) & uring_flag::in_line) == 0) {
    io_uring_prep_poll_add(&entry, op.descriptor(), POLLIN);
    flags_of(op) |= uring_flag::polling;
    return;
  }
  block& slot = *pool_.acquire().release_owner(); // serve_line saw that there is one
  message_slot::aim(op.header, op.piece, slot.data, slot.capacity_bytes, op.control.size());
  io_uring_prep_recvmsg(&entry, op.descriptor(), &op.header, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
  flags_of(op) |= uring_flag::has_slot;
  kept_result_of(op) = static_cast<int>(pool_.index_of(slot));
}

void uring_proactor::complete_receive_message_many(receive_message_many_operation& op,
                                                   const uring_completion& what) noexcept {
  uring_completion payload = what;
  if (what.result > 0 && stays_armed_for_messages())
    payload.result -= static_cast<int>(message_header::payload_offset(op.control.size()));
  note_receive(op, payload);
  deliver_message(op, payload);
  go_on_receiving(op, what, what.result >= 0);
}

void uring_proactor::deliver_message(receive_message_many_operation& op,
                                     const uring_completion& what) noexcept {
  const std::size_t control_room_bytes = op.control.size();
  const std::size_t overhead_bytes = message_header::payload_offset(control_room_bytes);
  const std::size_t bytes = what.result > 0 ? static_cast<std::size_t>(what.result) : 0;
  lease slot;
  if ((flags_of(op) & uring_flag::has_slot) != 0) {
    flags_of(op) &= static_cast<std::uint16_t>(~uring_flag::has_slot);
    block& taken = pool_.slot(static_cast<std::uint32_t>(kept_result_of(op)));
    slot = lease(taken, taken.data, taken.capacity_bytes);
    if (what.result >= 0) message_slot::describe(taken.data, op.header, bytes);
  } else if ((what.flags & IORING_CQE_F_BUFFER) != 0) {
    slot = buffers_->take(static_cast<std::uint16_t>(what.flags >> IORING_CQE_BUFFER_SHIFT), bytes);
    if (!stays_armed_for_messages()) lay_out(op, slot.owner()->data, bytes);
  } else if (what.result == 0) {
    slot = room_for_empty_message(pool_, overhead_bytes);
    if (slot.owner()) lay_out(op, slot.owner()->data, 0);
  }
  if (what.result < 0 || !slot.owner()) return;
  completed_.push(op, message_slot::deliver(*slot.release_owner(), control_room_bytes, bytes));
}

/// Of a message whose bytes stand at the beginning of the slot.
void uring_proactor::lay_out(const receive_message_many_operation& op, std::byte* slot,
                             std::size_t bytes) noexcept {
  const std::size_t payload_offset = message_header::payload_offset(op.control.size());
  std::memmove(slot + payload_offset, slot, bytes);
  std::memcpy(slot + sizeof(message_header), &op.from, sizeof op.from);
  if (!op.control.empty())
    std::memcpy(slot + payload_offset - op.control.size(), op.control.data(), op.control.size());
  message_slot::describe(slot, op.header, bytes);
}

// --- send ---

/// Not to wait for room in the kernel: it would try again with what is left of the message after the first
/// try, which may be a part of it or nothing. So a send that finds no room comes back, polls, and begins
/// anew.
void uring_proactor::prepare_send_message(io_uring_sqe& entry, operation& op) noexcept {
  if ((flags_of(op) & uring_flag::polling) != 0)
    return io_uring_prep_poll_add(&entry, op.descriptor(), POLLOUT);
  assert(op.kind() == operation_kind::send_message && "several are sent by a call");
  io_uring_prep_sendmsg(&entry, op.descriptor(), &static_cast<send_message_operation&>(op).header,
                        MSG_NOSIGNAL | MSG_DONTWAIT);
}

void uring_proactor::complete_send_message(operation& op, const uring_completion& what) noexcept {
  const bool was_polling = (flags_of(op) & uring_flag::polling) != 0;
  flags_of(op) &= static_cast<std::uint16_t>(~uring_flag::polling);
  const bool finds_no_room =
      !was_polling && what.result == -EAGAIN && !nonblocking::tells_nothing_of_room(op);
  if (!was_polling && !finds_no_room) return complete_send(op, what);
  if (was_polling && what.result < 0) return end(op, what.result);
  if (op.state() == operation_state::cancelling) return end(op, -ECANCELED);
  if (finds_no_room) return wait_for_room(op);
  flags_of(op) |= uring_flag::in_sends;
  sends_.push_back(op);
}

void uring_proactor::wait_for_room(operation& op) noexcept {
  if (op.kind() == operation_kind::send_message || op.kind() == operation_kind::send_messages)
    flags_of(op) |= uring_flag::polling;
  request(op); // of a stream the kernel waits and tries again
}

} // namespace weir
