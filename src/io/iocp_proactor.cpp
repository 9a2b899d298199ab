// The life of a request: handed over before a wait, answered by its call or a packet, or called off. What is
// asked is in iocp_sockets.cpp and iocp_files.cpp.
#include "descriptor_table.hpp"
#include "iocp_reactor.hpp"
#include "iocp_sockets.hpp"

#include <weir/io/file_operations.hpp>
#include <weir/io/iocp_proactor.hpp>

#include <cerrno>

namespace weir {
namespace {

bool is_receive(const operation& op) noexcept {
  return op.kind() == operation_kind::receive || op.kind() == operation_kind::receive_many;
}

} // namespace

result<std::unique_ptr<iocp_proactor>> iocp_proactor::create(completion_queue& completed, buffer_pool& pool,
                                                             loop_counters& counters,
                                                             const proactor_options& options) {
  if (result<> started = iocp_sockets::load(); !started) return fail(std::move(started).error());
  auto port = iocp_reactor::create(counters);
  if (!port) return fail(std::move(port).error());
  return std::unique_ptr<iocp_proactor>(
      new iocp_proactor(std::move(*port), completed, pool, counters, options));
}

iocp_proactor::iocp_proactor(std::unique_ptr<iocp_reactor> port, completion_queue& completed,
                             buffer_pool& pool, loop_counters& counters, const proactor_options& options)
    : iocp_proactor(*port, std::move(port), completed, pool, counters, options) {}

iocp_proactor::iocp_proactor(iocp_reactor& port, std::unique_ptr<reactor> same, completion_queue& completed,
                             buffer_pool& pool, loop_counters& counters, const proactor_options& options)
    : reactive_proactor(std::move(same), completed, pool, counters, options), port_(port) {}

iocp_proactor::~iocp_proactor() = default;

execution iocp_proactor::execution_of(operation_kind kind) const noexcept {
  switch (kind) {
  case operation_kind::accept:
  case operation_kind::accept_many:
  case operation_kind::connect:
  case operation_kind::send_zero_copy:
  case operation_kind::read_at:
  case operation_kind::write_at:
    return execution::kernel;
  default:
    return reactive_proactor::execution_of(kind);
  }
}

// --- handing over ---

bool iocp_proactor::tries_at_once(const operation& op) const noexcept {
  return op.kind() != operation_kind::connect && op.kind() != operation_kind::send_zero_copy;
}

bool iocp_proactor::is_ours(descriptor_state& on) noexcept {
  if (!on.is_settled) on.is_ours = port_.port().take(on.number);
  on.is_settled = true;
  return on.is_ours;
}

void iocp_proactor::hand_over(descriptor_state& on) noexcept {
  if (operation* first = on.readers.front(); first && on.awaits_readiness(*first))
    hand_over_reader(on, *first);
  if (operation* first = on.writers.front(); first && on.awaits_readiness(*first))
    hand_over_writer(on, *first);
}

/// What the kernel refuses is left to the call that does not block, which says what is wrong, or does it, or
/// waits for readiness.
void iocp_proactor::hand_over_reader(descriptor_state& on, operation& first) noexcept {
  const bool is_listener = is_accept(first.kind());
  if ((!is_listener && !is_receive(first)) || !is_ours(on)) return;
  const auto what = is_listener ? iocp_request::purpose::accept : iocp_request::purpose::readable;
  iocp_request* const request = port_.requests().take(what, on.number, &first);
  if (!request) return; // waits for readiness, then
  const handed outcome = is_listener        ? ask_accept(*request)
                         : on.may_hold_more ? settle(*request, 0)
                                            : ask_readable(*request);
  on.may_hold_more = false;
  if (outcome == handed::refused) {
    port_.requests().give_back(*request);
    return serve_readers(on);
  }
  on.reading = request;
  flags_of(first) |= flag_carried;
}

void iocp_proactor::hand_over_writer(descriptor_state& on, operation& first) noexcept {
  if (tries_at_once(first) || (flags_of(first) & flag_connecting) != 0) return;
  const bool connects = first.kind() == operation_kind::connect;
  const auto what = connects ? iocp_request::purpose::connect : iocp_request::purpose::send;
  iocp_request* const request = is_ours(on) ? port_.requests().take(what, on.number, &first) : nullptr;
  if (!request) return serve_writers(on);
  const handed outcome = connects ? ask_connect(*request, static_cast<connect_operation&>(first))
                                  : ask_send(*request, static_cast<send_operation&>(first));
  if (outcome == handed::refused) {
    port_.requests().give_back(*request);
    return serve_writers(on);
  }
  on.writing = request;
  flags_of(first) |= flag_carried;
}

/// What a call has said that makes an overlapped request; `failed` is Winsock's error, 0 for none.
iocp_proactor::handed iocp_proactor::settle(iocp_request& request, int failed) noexcept {
  if (failed == WSA_IO_PENDING) {
    port_.requests().note_pending(request);
    return handed::pending;
  }
  if (failed != 0) return handed::refused;
  port_.push_answered(request);
  return handed::answered;
}

// --- answers ---

void iocp_proactor::take_answers() noexcept {
  again_left_ = accepts_per_turn_max;
  while (has_room(1)) {
    iocp_request* const answered = port_.pop_answered();
    if (!answered) return;
    take(*answered);
  }
}

void iocp_proactor::take(iocp_request& answered) noexcept {
  if (operation* const op = answered.op) {
    if (answered.what == iocp_request::purpose::transfer)
      complete(*op, answered.result());
    else
      take_on(*table().find(answered.number), *op, answered);
  }
  iocp_sockets::close(answered.accepted);
  port_.requests().give_back(answered);
}

void iocp_proactor::take_on(descriptor_state& on, operation& op, iocp_request& answered) noexcept {
  let_go(on, op);
  table().mark_changed(on); // it is still first in line, or another is
  switch (answered.what) {
  case iocp_request::purpose::accept:
    return take_accept(on, op, answered);
  case iocp_request::purpose::connect:
    return take_connect(on, op, answered.result());
  case iocp_request::purpose::send:
    return take_send(on, op, answered);
  default:
    return take_readable(on, op, answered.result());
  }
}

/// The request that carried it, which is not its any longer.
iocp_request* iocp_proactor::let_go(descriptor_state& on, operation& op) noexcept {
  flags_of(op) &= static_cast<std::uint16_t>(~flag_carried);
  const auto reading = static_cast<iocp_request*>(on.reading);
  void*& carries = reading && reading->op == &op ? on.reading : on.writing;
  return static_cast<iocp_request*>(std::exchange(carries, nullptr));
}

iocp_request& iocp_proactor::carrier_of(operation& op) noexcept {
  if (is_file_operation(op.kind())) return *static_cast<file_operation&>(op).request_;
  const descriptor_state& on = *table().find(op.descriptor());
  const auto reading = static_cast<iocp_request*>(on.reading);
  return reading && reading->op == &op ? *reading : *static_cast<iocp_request*>(on.writing);
}

void iocp_proactor::cancel_carried(operation& op) noexcept {
  iocp_request& request = carrier_of(op);
  if (request.is_pending) iocp_sockets::cancel(request);
}

/// The system reports what the peer does, not what was done here.
void iocp_proactor::end_waits(descriptor_state& on, int how) noexcept {
  const auto reading = static_cast<iocp_request*>(on.reading);
  if (how != SHUT_WR && reading && reading->is_pending) iocp_sockets::cancel(*reading);
  if (how != SHUT_RD) serve_writers(on);
  if (how != SHUT_RDWR) return;
  while (operation* op = on.polls.pop_front()) {
    constexpr std::uint32_t both_ended = POLLIN | POLLOUT | POLLRDHUP;
    const std::uint32_t wanted = static_cast<poll_operation*>(op)->events;
    complete_on(on, *op, static_cast<int>((wanted & both_ended) | POLLHUP));
  }
  on.refresh_polled();
}

void iocp_proactor::abandon(operation& op) noexcept {
  iocp_request* const request = let_go(*table().find(op.descriptor()), op);
  if (request->is_pending) iocp_sockets::cancel(*request);
  request->op = nullptr;
}

} // namespace weir
