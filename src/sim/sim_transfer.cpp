// What readiness leads to: the first in line at a file does what it waited for, as much of it as the seed
// lets it.
#include "../io/message_slot.hpp"
#include "sim_port.hpp"

#include <weir/io/message_operations.hpp>
#include <weir/sim/fault_plan.hpp>
#include <weir/sim/host.hpp>
#include <weir/sim/world.hpp>

#include <poll.h>

#include <algorithm>
#include <cassert>
#include <climits>
#include <utility>

namespace weir::sim {
namespace {

constexpr std::uint32_t ended = POLLERR | POLLHUP;

msghdr header_of(iovec& piece) noexcept {
  msghdr header{};
  header.msg_iov = &piece;
  header.msg_iovlen = 1;
  return header;
}

} // namespace

// --- ports ---

sim_proactor::port* sim_proactor::port_of(file& what) noexcept {
  return static_cast<port*>(what.watcher_of(this));
}

sim_proactor::port& sim_proactor::make_port(file& what) {
  if (port* const known = port_of(what)) return *known;
  if (idle_ports_.empty()) {
    ports_.push_back(std::make_unique<port>(*this));
    idle_ports_.push_back(ports_.back().get());
    idle_ports_.reserve(ports_.size());
  }
  port& fresh = *idle_ports_.back();
  idle_ports_.pop_back();
  fresh.on = file_ref(&what);
  what.watch(fresh);
  return fresh;
}

void sim_proactor::release(port& on) noexcept {
  on.port::ready_hook::unlink();
  on.port::starved_hook::unlink();
  on.file_watcher::unlink();
  on.on = file_ref();
  idle_ports_.push_back(&on);
}

/// Whoever closes a descriptor must have nothing outstanding on it.
void sim_proactor::file_closed(port& on) noexcept {
  if (!on.is_idle() && !is_dead_ && host_.is_up())
    host_.in().accuse("a descriptor was closed while operations were outstanding on it");
  for (operation_queue* line : {&on.readers, &on.writers, &on.polls})
    while (operation* op = line->pop_front()) {
      (void)drop_later(*op);
      stop(*op, -ECANCELED);
    }
  release(on);
}

/// Each once: what it leaves, or is told meanwhile, is for the next look. Those that wait for slots come
/// first, in their order.
void sim_proactor::serve_ready() noexcept {
  if (ready_.empty() && starved_.empty()) return;
  intrusive_list<port> now;
  for (std::size_t free = pool_.slots_free(); free > 0 && !starved_.empty(); --free) {
    port& each = *starved_.pop_front();
    each.port::ready_hook::unlink();
    now.push_back(each);
  }
  while (port* each = ready_.pop_front()) now.push_back(*each);
  while (port* each = now.pop_front()) {
    if (is_full())
      each->mark_ready();
    else
      serve(*each);
  }
}

void sim_proactor::serve(port& on) noexcept {
  if (!on.polls.empty()) serve_polls(on); // before a read changes what is reported
  if (!on.readers.empty()) serve_readers(on);
  if (!on.writers.empty()) serve_writers(on);
}

// --- readers ---

/// A stream may take its quantum of bytes in a turn; what it leaves is served in the next.
void sim_proactor::serve_readers(port& on) noexcept {
  if (on.port::starved_hook::is_linked()) return;
  std::size_t most = quantum_bytes_;
  while (operation* op = on.readers.front()) {
    if (has(*op, flag_deaf) || !may_be_served(on, *op)) return;
    if (is_full()) return on.mark_ready();
    if (is_accept(op->kind())) {
      if (!serve_accept(on, *op)) return;
      continue;
    }
    const std::size_t moved = receive_once(on, *op, most);
    if (moved == 0) return;
    most -= std::min(most, moved);
    if (most == 0) return on.mark_ready();
  }
}

/// accept(2) fails for want of a descriptor before it looks whether somebody is there.
bool sim_proactor::may_be_served(port& on, const operation& op) const noexcept {
  return (on.on->readiness() & (POLLIN | ended)) != 0 || (is_accept(op.kind()) && has_no_descriptor_left());
}

bool sim_proactor::has_no_descriptor_left() const noexcept {
  return host_.descriptors().open_count() >= host_.descriptors().limit();
}

bool sim_proactor::serve_accept(port& on, operation& op) noexcept {
  int outcome = 0;
  file_ref accepted;
  if (happens(fault::no_descriptors))
    outcome = -EMFILE;
  else if (happens(fault::no_descriptors_system))
    outcome = -ENFILE;
  else if (happens(fault::no_memory))
    outcome = -ENOMEM;
  else if (has_no_descriptor_left())
    outcome = -EMFILE;
  else
    accepted = on.on->accept(outcome);
  if (outcome == -EAGAIN) return false;
  if (accepted) {
    accepted->status_flags |= O_NONBLOCK;
    outcome = host_.descriptors().add(std::move(accepted));
  }
  if (outcome >= 0 && op.kind() == operation_kind::accept_many) {
    tell(op, completion(outcome, true));
    (void)hears_of_cancellation(op);
    return true;
  }
  finish_reader(on, op, outcome);
  return true;
}

/// For the first in line: with its last result known, it may have a cancellation under way.
void sim_proactor::finish_reader(port& on, operation& op, int result) noexcept {
  on.readers.pop_front();
  if (op.state() == operation_state::cancelling) (void)drop_later(op);
  complete(op, result);
}

/// Bytes that were moved; 0: nothing more comes of it now.
std::size_t sim_proactor::receive_once(port& on, operation& op, std::size_t most) noexcept {
  switch (op.kind()) {
  case operation_kind::receive:
    return receive_into_buffer(on, op, most);
  case operation_kind::receive_message:
    return receive_message(on, op);
  case operation_kind::receive_message_many:
    return receive_messages(on, op);
  default:
    return receive_into_slot(on, op, most);
  }
}

/// As many as are there, or fewer.
std::size_t sim_proactor::drawn_part(fault kind, std::size_t most) noexcept {
  return most > 1 && happens(kind) ? host_.in().faults().amounts(kind).between(1, most) : most;
}

std::size_t sim_proactor::receive_into_buffer(port& on, operation& op, std::size_t most) noexcept {
  const auto& wanted = static_cast<const receive_operation&>(op);
  const std::size_t total = std::min<std::size_t>(wanted.buffer.size(), INT_MAX);
  const auto before = static_cast<std::size_t>(kept_result_of(op));
  const std::span<std::byte> rest = wanted.buffer.first(total).subspan(before);
  iovec piece{rest.data(), drawn_part(fault::partial_receive, std::min(rest.size(), most))};
  msghdr header = header_of(piece);
  const int count = on.on->receive(header, 0);
  ++counters_.receive_calls;
  if (count == -EAGAIN) return 0;

  const auto received = static_cast<std::size_t>(std::max(count, 0));
  counters_.bytes_received += received;
  kept_result_of(op) = static_cast<int>(before + received);
  if (received > 0 && wanted.wait_for_all && before + received < total) return received;
  finish_reader(on, op, kept_result_of(op) > 0 ? kept_result_of(op) : count);
  return std::max<std::size_t>(received, 1);
}

/// A slot for the first in line; without one it joins those who wait for slots.
lease sim_proactor::acquire_slot(port& on) noexcept {
  lease slot = happens(fault::ring_empty) ? lease() : pool_.acquire();
  if (slot.owner()) return slot;
  ++counters_.receives_starved;
  starved_.push_back(on);
  return slot;
}

std::size_t sim_proactor::receive_into_slot(port& on, operation& op, std::size_t most) noexcept {
  lease slot = acquire_slot(on);
  if (!slot.owner()) return 0;
  iovec piece{slot.writable().data(), drawn_part(fault::partial_receive, std::min(slot.size(), most))};
  msghdr header = header_of(piece);
  const int count = on.on->receive(header, 0);
  ++counters_.receive_calls;
  if (count == -EAGAIN) return 0;
  if (count <= 0) {
    finish_reader(on, op, count);
    return 1;
  }
  counters_.bytes_received += static_cast<std::uint64_t>(count);
  slot.truncate(static_cast<std::size_t>(count));
  tell(op, completion(count, true, std::move(slot)));
  return stays_armed(op) ? static_cast<std::size_t>(count) : 0;
}

bool sim_proactor::stays_armed(operation& op) noexcept {
  return !hears_of_cancellation(op) && !may_fall_deaf(op);
}

/// The kernel has ended what stayed armed; until it is armed anew, in the next turn or so, nothing is heard.
bool sim_proactor::may_fall_deaf(operation& op) noexcept {
  if (op.state() != operation_state::submitted || !happens(fault::multishot_ended)) return false;
  flags_of(op) |= flag_deaf;
  later(op, delay_of(fault::multishot_ended, 500), &sim_proactor::arm_anew);
  return true;
}

void sim_proactor::arm_anew(operation& op) noexcept {
  flags_of(op) &= static_cast<std::uint16_t>(~flag_deaf);
  for (auto& each : ports_)
    if (each->on && each->readers.front() == &op) return each->mark_ready();
}

// --- messages ---

std::size_t sim_proactor::receive_message(port& on, operation& op) noexcept {
  auto& wanted = static_cast<receive_message_operation&>(op);
  wanted.fill_header();
  const int count = on.on->receive(wanted.header, 0);
  ++counters_.receive_calls;
  if (count == -EAGAIN) return 0;
  counters_.bytes_received += static_cast<std::uint64_t>(std::max(count, 0));
  finish_reader(on, op, count);
  return static_cast<std::size_t>(std::max(count, 1));
}

std::size_t sim_proactor::receive_messages(port& on, operation& op) noexcept {
  const auto& wanted = static_cast<const receive_message_many_operation&>(op);
  lease slot = acquire_slot(on);
  if (!slot.owner()) return 0;
  msghdr header;
  iovec piece;
  std::byte* const memory = slot.writable().data();
  message_slot::aim(header, piece, memory, slot.size(), wanted.control.size());
  const int count = on.on->receive(header, 0);
  ++counters_.receive_calls;
  if (count == -EAGAIN) return 0;
  if (count < 0) {
    finish_reader(on, op, count);
    return 1;
  }
  const auto received = static_cast<std::size_t>(count);
  counters_.bytes_received += received;
  message_slot::describe(memory, header, received);
  tell(op, message_slot::deliver(*slot.release_owner(), wanted.control.size(), received));
  return stays_armed(op) ? std::max<std::size_t>(received, 1) : 0;
}

// --- writers ---

void sim_proactor::serve_writers(port& on) noexcept {
  while (operation* op = on.writers.front()) {
    if (is_full()) return on.mark_ready();
    const int outcome = write_once(on, *op);
    if (outcome == would_block) return;
    on.writers.pop_front();
    if (op->state() == operation_state::cancelling) (void)drop_later(*op);
    const bool is_copied_late = op->kind() == operation_kind::send_zero_copy && outcome > 0 && !is_dead_ &&
                                happens(fault::notification_late);
    if (!is_copied_late) {
      complete(*op, outcome);
      continue;
    }
    kept_result_of(*op) = outcome;
    flags_of(*op) |= flag_moved;
    const std::span<const std::byte> all = static_cast<send_operation&>(*op).buffer;
    tell_when_copied(*op, all.first(static_cast<std::size_t>(outcome)));
  }
}

int sim_proactor::write_once(port& on, operation& op) noexcept {
  switch (op.kind()) {
  case operation_kind::connect:
    return connect_once(on, static_cast<connect_operation&>(op));
  case operation_kind::send_gathered:
    return count_sent(send_stream(on, static_cast<send_gathered_operation&>(op).header));
  case operation_kind::send_message:
    return count_sent(send_whole(on, static_cast<send_message_operation&>(op).header));
  case operation_kind::send_messages:
    return send_several(on, static_cast<send_messages_operation&>(op));
  default: {
    const auto& from = static_cast<send_operation&>(op).buffer;
    iovec piece{const_cast<std::byte*>(from.data()), from.size()}; // sending only reads it
    return count_sent(send_stream(on, header_of(piece)));
  }
  }
}

int sim_proactor::connect_once(port& on, connect_operation& op) noexcept {
  if (!has(op, flag_connecting)) {
    flags_of(op) |= flag_connecting;
    const int outcome = on.on->connect(op.address, op.address_bytes);
    if (outcome != -EINPROGRESS) return outcome;
  }
  const int outcome = on.on->connect_outcome();
  return outcome == -EINPROGRESS ? would_block : outcome;
}

int sim_proactor::send_stream(port& on, const msghdr& header) noexcept {
  if (happens(fault::no_buffers)) return -ENOBUFS;
  const int outcome = on.on->send(header, 0);
  return outcome == -EAGAIN ? would_block : outcome;
}

/// With the address of a unix-domain socket whose queue is full it does not wait: nothing would tell.
int sim_proactor::send_whole(port& on, const msghdr& header) noexcept {
  if (happens(fault::no_buffers)) return -ENOBUFS;
  const int outcome = on.on->send(header, 0);
  const bool is_named =
      header.msg_name && static_cast<const sockaddr*>(header.msg_name)->sa_family == AF_UNIX;
  return outcome == -EAGAIN && !is_named ? would_block : outcome;
}

int sim_proactor::send_several(port& on, send_messages_operation& op) noexcept {
  int sent = 0;
  ++counters_.send_calls;
  for (mmsghdr& each : op.messages) {
    const int outcome = send_whole(on, each.msg_hdr);
    if (outcome < 0) return sent > 0 ? sent : outcome;
    counters_.bytes_sent += static_cast<std::uint64_t>(outcome);
    each.msg_len = static_cast<unsigned>(outcome);
    ++sent;
  }
  return sent;
}

int sim_proactor::count_sent(int outcome) noexcept {
  ++counters_.send_calls;
  if (outcome > 0) counters_.bytes_sent += static_cast<std::uint64_t>(outcome);
  return outcome;
}

// --- polls ---

void sim_proactor::serve_polls(port& on) noexcept {
  const std::uint32_t now = on.on->readiness();
  operation_queue waiting = std::move(on.polls);
  while (operation* op = waiting.pop_front()) {
    const std::uint32_t ready = now & (static_cast<poll_operation*>(op)->events | ended);
    if (ready == 0) {
      on.polls.push_back(*op);
      continue;
    }
    if (op->state() == operation_state::cancelling) (void)drop_later(*op);
    complete(*op, static_cast<int>(ready));
  }
}

} // namespace weir::sim
