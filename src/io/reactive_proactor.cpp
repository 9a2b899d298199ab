// The life of an operation: begun or parked, in line on its descriptor, complete. What it does when its turn
// comes is in reactive_transfer.cpp.
#include "descriptor_table.hpp"
#include "file_offload.hpp"
#include "nonblocking_calls.hpp"

#include <weir/io/reactive_proactor.hpp>

#include <algorithm>
#include <cassert>
#include <cerrno>
#include <chrono>

namespace weir {
namespace {

receive_strategy strategy_for_reactors(receive_strategy wanted) noexcept {
  const bool is_known = wanted == receive_strategy::wait_first || wanted == receive_strategy::speculative;
  return is_known ? wanted : receive_strategy::adaptive;
}

} // namespace

reactive_proactor::reactive_proactor(std::unique_ptr<reactor> demultiplexer, completion_queue& completed,
                                     buffer_pool& pool, loop_counters& counters,
                                     const proactor_options& options)
    : proactor(completed, pool, counters), reactor_(std::move(demultiplexer)),
      table_(std::make_unique<descriptor_table>(counters)), is_one_shot_(reactor_->is_one_shot()),
      strategy_(strategy_for_reactors(options.strategy)),
      quantum_bytes_(std::max<std::size_t>(options.quantum_bytes, 1)),
      burst_slots_max_(std::clamp<std::size_t>(quantum_bytes_ / pool.slot_bytes(), 1, slots_per_read_max)),
      operations_max_(std::max<std::size_t>(options.operations_max, 1)),
      offload_(std::make_unique<file_offload>(
          options.blocking, [](void* to_wake) noexcept { static_cast<reactor*>(to_wake)->wake(); },
          reactor_.get())) {}

reactive_proactor::~reactive_proactor() = default;

std::uint64_t reactive_proactor::now_ns() noexcept {
  const auto since_start = std::chrono::steady_clock::now().time_since_epoch();
  return static_cast<std::uint64_t>(std::chrono::nanoseconds(since_start).count());
}

execution reactive_proactor::execution_of(operation_kind kind) const noexcept {
  if (is_file_operation(kind)) return execution::offloaded;
  switch (kind) {
  case operation_kind::nop:
  case operation_kind::close:
  case operation_kind::shutdown:
    return execution::inline_;
  default:
    return execution::readiness;
  }
}

// --- beginning ---

void reactive_proactor::start(operation& op) noexcept {
  if (!parks(op, active_ >= operations_max_)) begin(op);
}

void reactive_proactor::begin_parked() noexcept {
  while (active_ < operations_max_ && !parked_.empty()) begin(*parked_.pop_front());
}

void reactive_proactor::begin(operation& op) noexcept {
  ++active_;
  state_of(op) = operation_state::submitted;
  flags_of(op) = 0;
  kept_result_of(op) = 0;
  switch (op.kind()) {
  case operation_kind::nop:
    return complete(op, 0);
  case operation_kind::shutdown:
    return shut_down(static_cast<shutdown_operation&>(op));
  case operation_kind::close:
    return close_now(op);
  default:
    break;
  }
  if (is_file_operation(op.kind())) return begin_on_file(static_cast<file_operation&>(op));
  int error = 0;
  if (descriptor_state* on = table_->find_or_make(op.descriptor(), error))
    begin_on_descriptor(op, *on);
  else
    complete(op, error);
}

void reactive_proactor::begin_on_descriptor(operation& op, descriptor_state& on) noexcept {
  switch (op.kind()) {
  case operation_kind::receive_message_many:
    if (const int outcome = nonblocking::check_is_datagram(on.number, counters_); outcome != 0)
      return complete(op, outcome);
    [[fallthrough]];
  case operation_kind::receive:
  case operation_kind::receive_many:
  case operation_kind::receive_message:
    stand_in_line(op, on.readers, on);
    if (strategy_ == receive_strategy::speculative && on.readers.front() == &op) serve_readers(on);
    return;
  case operation_kind::accept:
  case operation_kind::accept_many:
    return stand_in_line(op, on.readers, on);
  case operation_kind::poll:
    // A library that polls may have closed the number and opened it anew since, within this turn.
    if (on.is_idle() && !static_cast<poll_operation&>(op).is_same_file) on.is_suspect = true;
    stand_in_line(op, on.polls, on);
    return on.refresh_polled();
  default:
    return begin_write(op, on);
  }
}

void reactive_proactor::begin_write(operation& op, descriptor_state& on) noexcept {
  if (op.kind() == operation_kind::connect) { // the number may have belonged to another socket before
    on.is_suspect = true;
    on.is_congested = false;
    on.burst_slots = 1;
  }
  if (on.writers.empty() && !on.is_congested && tries_at_once(op)) {
    const write_outcome outcome = write_once(op);
    on.is_congested = !outcome.is_in_full;
    if (outcome.result != nonblocking::would_block) return complete(op, outcome.result);
  }
  stand_in_line(op, on.writers, on);
}

void reactive_proactor::close_now(operation& op) noexcept {
  if (descriptor_state* on = table_->find(op.descriptor())) {
    stop_all(*on, -ECANCELED); // against the contract of close; they must not meet the number's next owner
    // close(2) would end the registration as well, if no duplicate of the descriptor lives on.
    if (any(on->watched)) reactor_->watch(op.descriptor(), readiness::none);
    on->forget();
  }
  complete(op, nonblocking::close(op.descriptor(), counters_));
}

void reactive_proactor::shut_down(shutdown_operation& op) noexcept {
  const int outcome = nonblocking::shutdown(op, counters_);
  descriptor_state* const on = outcome == 0 ? table_->find(op.descriptor()) : nullptr;
  if (on) end_waits(*on, op.how);
  complete(op, outcome);
}

void reactive_proactor::stand_in_line(operation& op, operation_queue& line, descriptor_state& on) noexcept {
  // Nobody used it for a whole turn: it may have been closed and its number given to another file.
  if (on.is_idle() && on.idle_since_wait != wait_number_) on.is_suspect = true;
  if (on.is_idle()) on.is_settled = false;
  line.push_back(op);
  table_->mark_changed(on);
}

// --- ending ---

void reactive_proactor::complete(operation& op, int result) noexcept {
  --active_;
  if (has_room(1)) return completed_.push(op, completion(result));
  state_of(op) = operation_state::completed;
  kept_result_of(op) = result;
  finished_.push_back(op);
}

/// For an operation that has left its line.
void reactive_proactor::complete_on(descriptor_state& on, operation& op, int result) noexcept {
  if (on.is_idle()) {
    on.idle_since_wait = wait_number_;
    if (result <= 0)
      on.is_suspect = true; // at its end a descriptor is often closed, and the number reused at once
  }
  complete(op, result);
}

void reactive_proactor::deliver_finished() noexcept {
  while (!finished_.empty() && completed_.has_room()) {
    operation& op = *finished_.pop_front();
    completed_.push(op, completion(kept_result_of(op)));
  }
}

void reactive_proactor::cancel(operation& op) noexcept {
  if (op.state() == operation_state::parked) {
    parked_.remove(op);
    ++active_;
    complete(op, -ECANCELED);
  } else if (op.state() == operation_state::submitted && is_carried(op)) {
    state_of(op) = operation_state::cancelling;
    cancel_carried(op);
  } else if (op.state() == operation_state::submitted && is_file_operation(op.kind())) {
    cancel_offloaded(static_cast<file_operation&>(op));
  } else if (op.state() == operation_state::submitted) {
    descriptor_state& on = *table_->find(op.descriptor());
    [[maybe_unused]] const bool was_waiting =
        on.readers.remove(op) || on.writers.remove(op) || on.polls.remove(op);
    assert(was_waiting);
    on.refresh_polled();
    table_->mark_changed(on); // whoever is first in line now
    stop(on, op, -ECANCELED);
  }
}

/// What a receive has taken already is not lost.
void reactive_proactor::stop(descriptor_state& on, operation& op, int error) noexcept {
  const int so_far = kept_result_of(op);
  complete_on(on, op, so_far > 0 ? so_far : error);
}

void reactive_proactor::stop_line(descriptor_state& on, operation_queue& line, int error) noexcept {
  while (operation* op = line.pop_front()) {
    if (is_carried(*op)) abandon(*op);
    stop(on, *op, error);
  }
}

void reactive_proactor::stop_all(descriptor_state& on, int error) noexcept {
  stop_line(on, on.readers, error);
  stop_line(on, on.writers, error);
  stop_line(on, on.polls, error);
  on.refresh_polled();
}

// --- on files ---

void reactive_proactor::begin_on_file(file_operation& op) noexcept {
  if (hand_over_file(op)) return;
  const int refused = offload_->submit(op);
  if (refused < 0) complete(op, refused);
}

/// One that has begun is waited for: its thread uses its memory, and what it did was done.
void reactive_proactor::cancel_offloaded(file_operation& op) noexcept {
  if (offload_->revoke(op))
    complete(op, -ECANCELED);
  else
    state_of(op) = operation_state::cancelling;
}

void reactive_proactor::take_offloaded() noexcept {
  for (auto done = offload_->take_finished(); done.op; done = offload_->take_finished())
    complete(*done.op, done.result);
}

// --- waiting ---

void reactive_proactor::wait(std::uint64_t timeout_ns) noexcept {
  ++wait_number_;
  deliver_finished();
  take_answers();
  begin_parked();
  serve_starved();
  update_interest();
  for (const ready_event& event : reactor_->wait(completed_.empty() ? timeout_ns : 0)) dispatch(event);
  take_answers();
  take_offloaded(); // behind the wait, which took the wake-up of those who are done
  deliver_finished();
}

void reactive_proactor::update_interest() noexcept {
  auto changed = table_->take_changed();
  while (descriptor_state* on = changed.pop_front()) {
    on->is_on_changed_list = false;
    hand_over(*on);
    const readiness wanted = on->wanted();
    const bool lacks = any(wanted & ~on->watched);
    const bool exceeds = on->must_trim && wanted != on->watched;
    const bool must_verify = on->is_suspect && any(wanted);
    on->must_trim = false;
    if (lacks || exceeds || must_verify) watch(*on, wanted);
  }
}

void reactive_proactor::watch(descriptor_state& on, readiness wanted) noexcept {
  const int error = reactor_->watch(on.number, wanted);
  on.is_suspect = false;
  on.watched = error == 0 ? wanted : readiness::none;
  if (error == -EPERM) { // a regular file or a directory: always ready (epoll_ctl(2)), and no socket
    stop_line(on, on.readers, -ENOTSOCK);
    stop_line(on, on.writers, -ENOTSOCK);
    serve_polls(on, readiness::readable | readiness::writable);
  } else if (error < 0) {
    stop_all(on, error);
  }
}

void reactive_proactor::dispatch(const ready_event& event) noexcept {
  descriptor_state* const on = table_->find(event.descriptor);
  if (!on) return;
  if (is_one_shot_) { // whoever waits on asks anew
    on->watched = readiness::none;
    table_->mark_changed(*on);
    return serve(*on, event.events);
  }
  // hangup and failed come unasked, but hangup goes on coming where it was asked for.
  const readiness wanted = on->wanted();
  readiness expected = wanted | readiness::failed;
  if (!any(on->watched & readiness::hangup)) expected = expected | readiness::hangup;
  if (!any(wanted) || any(event.events & ~expected)) {
    on->must_trim = true;
    table_->mark_changed(*on);
  }
  serve(*on, event.events);
}

} // namespace weir
