// What the kernel answers: from completion queue entries to completions.
//
// An entry without IORING_CQE_F_MORE is the last of its request. An operation is finished when its result is
// known and no request of it, its cancellation's included, is with the kernel: only then may its memory be
// reused.
#include "thread_sanitizer.hpp"
#include "uring_buffers.hpp"
#include "uring_ring.hpp"

#include <weir/io/file_operations.hpp>
#include <weir/io/message_operations.hpp>
#include <weir/io/uring_proactor.hpp>

#include <cerrno>

namespace weir {
namespace {

bool is_last(const uring_completion& what) noexcept {
  return (what.flags & IORING_CQE_F_MORE) == 0;
}

/// The end of a multishot or emulated request that is no end of the operation.
bool wants_another_try(int result) noexcept {
  return result == -EINTR || result == -EAGAIN;
}

} // namespace

void uring_proactor::take_completions() noexcept {
  while (ring_->front() && completed_.has_room(pieces_max_)) complete(ring_->pop());
}

void uring_proactor::complete(const uring_completion& what) noexcept {
  if (is_last(what)) --requests_;
  switch (what.tag()) {
  case uring_tag::wake:
    complete_wake();
    break;
  case uring_tag::cancellation:
    --owed_to(what.of());
    complete_cancellation(what.of(), what.result);
    break;
  case uring_tag::operation:
    thread_sanitizer::kernel_gives();
    if (is_last(what)) --owed_to(what.of());
    complete_request(what.of(), what);
    break;
  case uring_tag::clean_up:
    break;
  }
}

/// The kernel does not find a request that is between its readiness and its next try. Where somebody else
/// took what it was ready for, it would wait anew, and not know that it was to end.
void uring_proactor::complete_cancellation(operation& op, int result) noexcept {
  if ((flags_of(op) & uring_flag::ended) != 0)
    settle(op);
  else if (result == -ENOENT)
    request(op);
}

void uring_proactor::complete_wake() noexcept {
  wake_is_armed_ = false;
  // Before the loop looks at what the wakers left for it; whoever wakes from now on writes again.
  wake_is_pending_.exchange(false, std::memory_order_acq_rel);
  ++counters_.wakes;
  counters_.system_calls.count(system_call::wake); // the waker's write
}

void uring_proactor::complete_request(operation& op, const uring_completion& what) noexcept {
  switch (op.kind()) {
  case operation_kind::accept_many:
    complete_accept_many(op, what);
    break;
  case operation_kind::receive:
  case operation_kind::receive_message:
    complete_receive(op, what);
    break;
  case operation_kind::receive_many:
    if ((flags_of(op) & uring_flag::polling) != 0)
      complete_poll_ahead(op, what);
    else
      complete_receive_many(op, what);
    break;
  case operation_kind::receive_message_many:
    if ((flags_of(op) & uring_flag::polling) != 0)
      complete_poll_ahead(op, what);
    else
      complete_receive_message_many(static_cast<receive_message_many_operation&>(op), what);
    break;
  case operation_kind::send:
  case operation_kind::send_gathered:
  case operation_kind::send_zero_copy:
    complete_send(op, what);
    break;
  case operation_kind::send_message:
  case operation_kind::send_messages:
    complete_send_message(op, what);
    break;
  default:
    if (is_file_operation(op.kind())) return complete_file(op, what);
    end(op, what.result);
  }
}

/// The result of the operation is known.
void uring_proactor::end(operation& op, int result) noexcept {
  kept_result_of(op) = result;
  flags_of(op) |= uring_flag::ended;
  settle(op);
}

/// Finishes the operation unless the kernel still owes something. A cancellation that did not leave yet never
/// will.
void uring_proactor::settle(operation& op) noexcept {
  if (owed_to(op) > 0) return;
  if ((flags_of(op) & uring_flag::in_queue) != 0) queued_.remove(op);
  int result = kept_result_of(op);
  if (result == -EINTR && op.state() == operation_state::cancelling) result = -ECANCELED;
  finish(op, result);
}

// --- accept ---

void uring_proactor::complete_accept_many(operation& op, const uring_completion& what) noexcept {
  if (what.result >= 0) completed_.push(op, completion(what.result, true));
  if (!is_last(what)) return;
  const bool goes_on = what.result >= 0 || what.result == -ECONNABORTED || wants_another_try(what.result);
  if (!goes_on)
    end(op, what.result);
  else if (op.state() == operation_state::cancelling)
    end(op, -ECANCELED);
  else
    request(op);
}

// --- receive ---

void uring_proactor::note_receive(operation& op, const uring_completion& what) noexcept {
  if (what.result < 0 && what.result != -EAGAIN) return;
  ++counters_.receive_calls;
  if (what.result > 0) counters_.bytes_received += static_cast<std::uint64_t>(what.result);
  if (what.result == -EAGAIN) ++counters_.receive_again;
  if ((what.flags & IORING_CQE_F_SOCK_NONEMPTY) != 0)
    flags_of(op) |= uring_flag::more_data;
  else
    flags_of(op) &= static_cast<std::uint16_t>(~uring_flag::more_data);
}

void uring_proactor::complete_receive(operation& op, const uring_completion& what) noexcept {
  note_receive(op, what);
  end(op, what.result);
}

void uring_proactor::complete_poll_ahead(operation& op, const uring_completion& what) noexcept {
  flags_of(op) &= static_cast<std::uint16_t>(~uring_flag::polling);
  if (what.result < 0 && !wants_another_try(what.result))
    end(op, what.result);
  else if (op.state() == operation_state::cancelling)
    end(op, -ECANCELED);
  else
    join_line(op);
}

void uring_proactor::complete_receive_many(operation& op, const uring_completion& what) noexcept {
  note_receive(op, what);
  deliver(op, what);
  go_on_receiving(op, what, what.result > 0);
}

/// `goes_on`: the answer is not the end of the operation. Nor is a want of slots.
void uring_proactor::go_on_receiving(operation& op, const uring_completion& what, bool goes_on) noexcept {
  if (!is_last(what)) return;
  const bool lacked_slots = what.result == -ENOBUFS;
  if (!goes_on && !lacked_slots && !wants_another_try(what.result))
    end(op, what.result);
  else if (op.state() == operation_state::cancelling)
    end(op, -ECANCELED);
  else if (lacked_slots || (flags_of(op) & uring_flag::more_data) != 0)
    join_line(op);
  else
    request(op);
}

/// Hands on what arrived, a lease for each slot; slots that nothing was put into go back.
void uring_proactor::deliver(operation& op, const uring_completion& what) noexcept {
  std::size_t remaining = what.result > 0 ? static_cast<std::size_t>(what.result) : 0;
  if ((flags_of(op) & uring_flag::has_slot) != 0) {
    flags_of(op) &= static_cast<std::uint16_t>(~uring_flag::has_slot);
    block& slot = pool_.slot(static_cast<std::uint32_t>(kept_result_of(op)));
    lease received(slot, slot.data, remaining);
    if (remaining > 0) completed_.push(op, completion(what.result, true, std::move(received)));
    return;
  }
  if ((what.flags & IORING_CQE_F_BUFFER) == 0) return;
  auto name = static_cast<std::uint16_t>(what.flags >> IORING_CQE_BUFFER_SHIFT);
  do {
    lease received = buffers_->take(name, remaining);
    const std::size_t bytes = received.size();
    if (bytes > 0) completed_.push(op, completion(static_cast<int>(bytes), true, std::move(received)));
    remaining -= bytes;
    name = buffers_->behind(name);
  } while (remaining > 0);
}

// --- files ---

/// A worker of the kernel that a signal met has done nothing.
void uring_proactor::complete_file(operation& op, const uring_completion& what) noexcept {
  if (what.result == -EINTR && op.state() != operation_state::cancelling)
    request(op);
  else
    end(op, what.result);
}

// --- send ---

/// A zero-copy send answers twice: with its result, then, marked as a notification, when the memory is free.
void uring_proactor::complete_send(operation& op, const uring_completion& what) noexcept {
  if ((what.flags & IORING_CQE_F_NOTIF) == 0) {
    ++counters_.send_calls;
    if (what.result > 0) counters_.bytes_sent += static_cast<std::uint64_t>(what.result);
    kept_result_of(op) = what.result;
    flags_of(op) |= uring_flag::ended;
  }
  if (!is_last(what)) return;

  const int result = kept_result_of(op);
  const bool refused = result == -EOPNOTSUPP || result == -ENOMEM || result == -ENOBUFS;
  if (op.kind() != operation_kind::send_zero_copy || !refused ||
      (flags_of(op) & uring_flag::must_copy) != 0) {
    settle(op);
    return;
  }
  // Not this socket, or not so much pinned memory: with a copy, then.
  flags_of(op) |= uring_flag::must_copy;
  flags_of(op) &= static_cast<std::uint16_t>(~uring_flag::ended);
  if (op.state() == operation_state::cancelling)
    end(op, -ECANCELED);
  else
    request(op);
}

} // namespace weir
