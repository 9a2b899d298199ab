// What readiness leads to: the first in line on the descriptor makes its call.
#include "descriptor_table.hpp"
#include "nonblocking_calls.hpp"

#include <weir/io/platform/sockets.hpp>
#include <weir/io/reactive_proactor.hpp>

#include <algorithm>
#include <array>
#include <climits>

namespace weir {
namespace {

constexpr readiness hung_up = readiness::hangup | readiness::failed;

std::size_t bytes_of(const send_gathered_operation& op) noexcept {
  std::size_t sum_bytes = 0;
  for (const iovec& piece : std::span(op.header.msg_iov, op.header.msg_iovlen)) sum_bytes += piece.iov_len;
  return sum_bytes;
}

} // namespace

void reactive_proactor::serve(descriptor_state& on, readiness events) noexcept {
  if (!on.polls.empty()) serve_polls(on, events); // before a read changes what was reported
  if (any(events & (readiness::readable | hung_up))) serve_readers(on);
  if (any(events & (readiness::writable | hung_up))) serve_writers(on);
}

// --- readers ---

void reactive_proactor::serve_readers(descriptor_state& on) noexcept {
  operation* const first = on.readers.front();
  if (!first || is_starved(*first) || is_carried(*first)) return;
  if (is_accept(first->kind())) return serve_accepts(on);
  std::size_t received = receive_once(on);
  if (strategy_ != receive_strategy::speculative) return;
  for (std::size_t sum = received; received > 0 && sum < quantum_bytes_; sum += received)
    received = receive_once(on);
}

void reactive_proactor::serve_accepts(descriptor_state& on) noexcept {
  for (int i = 0; i < accepts_per_turn_max && has_room(1); ++i) {
    operation* const op = on.readers.front();
    if (!op || !is_accept(op->kind()) || is_carried(*op)) return;
    const int accepted = nonblocking::accept(on.number, counters_);
    if (accepted == nonblocking::would_block) return;
    if (descriptor_state* fresh = table_->find(accepted)) fresh->forget();
    if (accepted >= 0 && op->kind() == operation_kind::accept_many) {
      completed_.push(*op, completion(accepted, true));
      continue;
    }
    on.readers.pop_front();
    complete_on(on, *op, accepted);
  }
}

/// One call for the first in line. Returns the bytes received, 0 when there is no point in trying again now.
std::size_t reactive_proactor::receive_once(descriptor_state& on) noexcept {
  operation* const op = on.readers.front();
  if (!op || is_starved(*op) || is_carried(*op) || is_accept(op->kind())) return 0;
  switch (op->kind()) {
  case operation_kind::receive:
    return receive_into_buffer(on, *op);
  case operation_kind::receive_message:
    return receive_message(on, *op);
  case operation_kind::receive_message_many:
    return receive_messages(on, *op);
  default:
    return receive_into_slots(on, *op);
  }
}

std::size_t reactive_proactor::receive_into_buffer(descriptor_state& on, operation& op) noexcept {
  const auto& wanted = static_cast<const receive_operation&>(op);
  const std::size_t total_bytes = std::min<std::size_t>(wanted.buffer.size(), INT_MAX);
  const auto before = static_cast<std::size_t>(kept_result_of(op));
  const std::size_t size_bytes = std::min(total_bytes - before, quantum_bytes_);
  const int count = nonblocking::receive(on.number, wanted.buffer.subspan(before, size_bytes), counters_);
  on.may_hold_more = count > 0 && static_cast<std::size_t>(count) == size_bytes;
  if (count == nonblocking::would_block) return 0;

  const auto received = static_cast<std::size_t>(std::max(count, 0));
  kept_result_of(op) = static_cast<int>(before + received);
  if (received > 0 && wanted.wait_for_all && before + received < total_bytes) return received;
  on.readers.pop_front();
  stop(on, op, count);
  return received;
}

std::size_t reactive_proactor::receive_into_slots(descriptor_state& on, operation& op) noexcept {
  std::size_t slots = strategy_ == receive_strategy::adaptive && !pool_.is_low() ? on.burst_slots : 1;
  while (slots > 0 && !has_room(slots)) slots /= 2;
  if (slots == 0) return 0; // reported again when there is room

  std::array<iovec, slots_per_read_max> pieces;
  const std::size_t offered = take_slots(slots, pieces);
  if (offered == 0) {
    wait_for_slots(on, op);
    return 0;
  }

  const int count = nonblocking::receive(on.number, std::span(pieces).first(offered), counters_);
  const std::size_t used = deliver(op, static_cast<std::size_t>(std::max(count, 0)));
  for (std::size_t i = used; i < offered; ++i) offered_[i].reset();
  on.may_hold_more = count > 0 && static_cast<std::size_t>(count) == offered * pool_.slot_bytes();
  if (count == nonblocking::would_block) return 0;
  if (count <= 0) {
    on.readers.pop_front();
    complete_on(on, op, count);
    return 0;
  }

  const auto received = static_cast<std::size_t>(count);
  const std::size_t next_slots = on.may_hold_more ? slots * 2 : std::max(used, slots / 2);
  on.burst_slots = static_cast<std::uint8_t>(std::min(next_slots, burst_slots_max_));
  return received;
}

/// Slots for one read, `wanted` of them if the pool has so many; returns how many.
std::size_t reactive_proactor::take_slots(std::size_t wanted, std::span<iovec> pieces) noexcept {
  std::size_t taken = 0;
  for (; taken < wanted; ++taken) {
    lease& slot = offered_[taken] = pool_.acquire();
    if (!slot.owner()) break;
    pieces[taken] = {slot.writable().data(), slot.size()};
  }
  return taken;
}

/// Hands on what was read, a lease for each slot; returns how many it took.
std::size_t reactive_proactor::deliver(operation& op, std::size_t received) noexcept {
  std::size_t used = 0;
  for (std::size_t left = received; left > 0; ++used) {
    lease& slot = offered_[used];
    slot.truncate(std::min(left, slot.size()));
    left -= slot.size();
    const int size_bytes = static_cast<int>(slot.size());
    completed_.push(op, completion(size_bytes, true, std::move(slot)));
  }
  return used;
}

/// Unwatched meanwhile: it is readable, and would be reported by every wait.
void reactive_proactor::wait_for_slots(descriptor_state& on, operation& op) noexcept {
  ++counters_.receives_starved;
  flags_of(op) |= flag_starved;
  on.must_trim = true;
  table_->mark_changed(on);
  table_->mark_starved(on);
}

/// They were readable when they ran out of slots, so no wait is needed to learn it.
void reactive_proactor::serve_starved() noexcept {
  while (pool_.slots_free() > 0 && has_room(1)) {
    descriptor_state* const on = table_->pop_starved();
    if (!on) return;
    operation* const first = on->readers.front();
    if (!first || !is_starved(*first)) continue; // it was cancelled
    flags_of(*first) &= static_cast<std::uint16_t>(~flag_starved);
    table_->mark_changed(*on);
    serve_readers(*on);
  }
}

// --- writers ---

void reactive_proactor::serve_writers(descriptor_state& on) noexcept {
  if (on.writers.empty()) return;
  std::size_t sent = 0;
  while (operation* op = on.writers.front()) {
    if (is_carried(*op)) return;
    const write_outcome outcome = write_once(*op);
    on.is_congested = !outcome.is_in_full;
    if (outcome.result == nonblocking::would_block) return;
    on.writers.pop_front();
    complete_on(on, *op, outcome.result);
    sent += static_cast<std::size_t>(std::max(outcome.result, 0));
    if (on.is_congested || sent >= quantum_bytes_) break;
  }
  if (!on.writers.empty()) return;
  // There is room, and the next wait would say so at once: take the interest away unless a write comes first.
  on.must_trim = true;
  table_->mark_changed(on);
}

reactive_proactor::write_outcome reactive_proactor::write_once(operation& op) noexcept {
  int result = 0;
  std::size_t size = 0; // in the terms of the result
  switch (op.kind()) {
  case operation_kind::connect:
    if (flags_of(op) & flag_connecting) {
      result = nonblocking::outcome_of_connect(op.descriptor(), counters_);
    } else {
      result = nonblocking::connect(static_cast<connect_operation&>(op), counters_);
      if (result == nonblocking::would_block) flags_of(op) |= flag_connecting;
    }
    break;
  case operation_kind::send_gathered:
    size = bytes_of(static_cast<send_gathered_operation&>(op));
    result = nonblocking::send(op, counters_);
    break;
  case operation_kind::send_message: // whole or not at all
    result = nonblocking::send(op, counters_);
    break;
  case operation_kind::send_messages:
    size = static_cast<send_messages_operation&>(op).messages.size();
    result = nonblocking::send(op, counters_);
    break;
  default:
    size = static_cast<send_operation&>(op).buffer.size();
    result = nonblocking::send(op, counters_);
  }
  const bool is_short = result >= 0 && static_cast<std::size_t>(result) < size;
  return {result, !is_short && result != nonblocking::would_block};
}

// --- polls ---

void reactive_proactor::serve_polls(descriptor_state& on, readiness events) noexcept {
  // Only poll(2) tells the end of one direction from the end of both.
  const bool must_ask = any(events & readiness::hangup);
  operation_queue waiting = std::move(on.polls);
  while (operation* op = waiting.pop_front()) {
    const std::uint32_t wanted = static_cast<poll_operation*>(op)->events;
    const std::uint32_t reported = wanted | POLLERR | POLLHUP;
    const int ready = must_ask ? nonblocking::poll(on.number, wanted, counters_)
                               : static_cast<int>(poll_events_of(events) & reported);
    if (ready != 0)
      complete_on(on, *op, ready);
    else
      on.polls.push_back(*op);
  }
  on.refresh_polled();
}

} // namespace weir
