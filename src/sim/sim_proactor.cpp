// The life of an operation: begun or parked, in line at its file, known, told. What it does when its turn
// comes is in sim_transfer.cpp.
#include "sim_port.hpp"

#include <weir/io/file_operations.hpp>
#include <weir/sim/fault_plan.hpp>
#include <weir/sim/host.hpp>
#include <weir/sim/world.hpp>

#include <algorithm>
#include <cerrno>
#include <utility>

namespace weir::sim {
namespace {

constexpr std::size_t steps_at_first = 32;
constexpr int pieces_before_cancellation = 8;
constexpr std::uint64_t dead_turn_ns = 3'600'000'000'000; // beyond what anybody waits for

std::uint64_t sum_of(std::span<const std::byte> bytes) noexcept {
  std::uint64_t sum = bytes.size();
  for (const std::byte each : bytes) sum = sum * 0x100000001b3 + std::to_integer<std::uint64_t>(each);
  return sum;
}

} // namespace

sim_proactor::sim_proactor(host& on, completion_queue& completed, buffer_pool& pool, loop_counters& counters,
                           const proactor_options& options)
    : proactor(completed, pool, counters), host_(on), capabilities_(options.allowed & capability_mask::all()),
      operations_max_(std::max<std::size_t>(options.operations_max, 1)),
      quantum_bytes_(std::max<std::size_t>(options.quantum_bytes, 1)) {
  steps_.reserve(steps_at_first);
  while (steps_.size() < steps_at_first) add_step();
}

sim_proactor::~sim_proactor() {
  for (auto& each : steps_) host_.in().cancel(*each);
  for (auto& each : ports_)
    if (each->on) release(*each);
}

execution sim_proactor::execution_of(operation_kind kind) const noexcept {
  return kind == operation_kind::shutdown ? execution::inline_ : execution::kernel;
}

std::uint64_t sim_proactor::now_ns() noexcept {
  return is_dead_ ? dead_ns_ : host_.now_ns();
}

bool sim_proactor::happens(fault kind) noexcept {
  return host_.in().faults().happens(kind, host_.number());
}

std::uint64_t sim_proactor::delay_of(fault kind, std::uint64_t most_ns) noexcept {
  return host_.in().faults().amounts(kind).between(1, most_ns);
}

// --- beginning ---

void sim_proactor::start(operation& op) noexcept {
  if (!parks(op, active_ >= operations_max_)) begin(op);
}

void sim_proactor::begin_parked() noexcept {
  while (active_ < operations_max_ && !parked_.empty()) begin(*parked_.pop_front());
}

void sim_proactor::begin(operation& op) noexcept {
  ++active_;
  state_of(op) = operation_state::submitted;
  flags_of(op) = 0;
  kept_result_of(op) = 0;
  if (is_dead_) return complete(op, op.kind() == operation_kind::close ? 0 : -ECANCELED);
  host_.in().log().note(event::started, host_.number(), 0, static_cast<std::uint64_t>(op.kind()));
  switch (op.kind()) {
  case operation_kind::nop:
    return complete(op, 0);
  case operation_kind::close:
    return complete(op, host_.descriptors().close(op.descriptor()));
  default:
    return is_file_operation(op.kind()) ? begin_on_file(op) : begin_on_socket(op);
  }
}

void sim_proactor::begin_on_socket(operation& op) noexcept {
  file* const what = host_.descriptors().find(op.descriptor());
  if (!what) return complete(op, -EBADF);
  switch (op.kind()) {
  case operation_kind::shutdown:
    return complete(op, what->shutdown(static_cast<shutdown_operation&>(op).how));
  case operation_kind::poll: {
    port& on = make_port(*what);
    on.polls.push_back(op);
    return on.mark_ready();
  }
  default:
    break;
  }
  if (what->socket_type() == 0) return complete(op, -ENOTSOCK);
  port& on = make_port(*what);
  switch (op.kind()) {
  case operation_kind::receive_message_many:
    if (what->socket_type() != SOCK_DGRAM) return complete(op, -EPROTOTYPE);
    [[fallthrough]];
  case operation_kind::receive:
  case operation_kind::receive_many:
  case operation_kind::receive_message:
  case operation_kind::accept:
  case operation_kind::accept_many:
    on.readers.push_back(op);
    return on.mark_ready();
  default:
    return begin_write(op, on);
  }
}

/// Writes are tried at once, unless others stand before them.
void sim_proactor::begin_write(operation& op, port& on) noexcept {
  on.writers.push_back(op);
  if (on.writers.front() == &op) serve_writers(on);
}

// --- ending ---

/// For an operation that stands in no line any more.
void sim_proactor::complete(operation& op, int result) noexcept {
  if (!is_dead_) {
    const bool is_late = happens(fault::completion_delayed);
    if (is_late || happens(fault::completion_reordered)) {
      if (op.state() == operation_state::parked) state_of(op) = operation_state::cancelling;
      kept_result_of(op) = result;
      flags_of(op) |= flag_moved;
      const fault kind = is_late ? fault::completion_delayed : fault::completion_reordered;
      return later(op, delay_of(kind, is_late ? 5'000'000 : 1'000), &sim_proactor::tell_kept);
    }
  }
  --active_;
  tell(op, completion(result));
}

void sim_proactor::tell_kept(operation& op) noexcept {
  --active_;
  tell(op, completion(kept_result_of(op)));
}

/// What has become known waits in `known_` while the completion queue has no room, in order.
void sim_proactor::tell(operation& op, completion&& what) noexcept {
  if (!is_dead_)
    host_.in().log().note(event::completed, host_.number(), 0, static_cast<std::uint64_t>(op.kind()),
                          static_cast<std::uint32_t>(what.result));
  if (!what.more) state_of(op) = operation_state::completed;
  if (is_full()) return known_.push_back(known_completion{&op, std::move(what)});
  completed_.push(op, std::move(what));
}

void sim_proactor::hand_over() noexcept {
  while (!known_.empty() && completed_.has_room()) {
    known_completion next = known_.pop_front();
    completed_.push(*next.op, std::move(next.what));
  }
}

/// What a receive has taken already is not lost.
void sim_proactor::stop(operation& op, int error) noexcept {
  const int so_far = kept_result_of(op);
  complete(op, so_far > 0 ? so_far : error);
}

// --- cancelling ---

void sim_proactor::cancel(operation& op) noexcept {
  if (op.state() == operation_state::parked) {
    parked_.remove(op);
    ++active_;
    flags_of(op) = 0;
    return complete(op, -ECANCELED);
  }
  if (op.state() != operation_state::submitted || has(op, flag_moved)) return;
  host_.in().log().note(event::cancelled, host_.number(), 0, static_cast<std::uint64_t>(op.kind()));
  if (is_file_operation(op.kind())) return cancel_on_file(op);
  if (!is_dead_ && happens(fault::cancel_came_late)) { // it goes on for a while, and may succeed
    state_of(op) = operation_state::cancelling;
    if (has(op, flag_deaf)) drop_later(op);
    flags_of(op) &= static_cast<std::uint16_t>(~flag_deaf);
    later(op, delay_of(fault::cancel_came_late, 2'000'000), &sim_proactor::end_cancellation);
    due_steps_.back()->pieces_left = pieces_before_cancellation;
    return;
  }
  if (has(op, flag_deaf)) drop_later(op);
  const bool is_late = !is_dead_ && happens(fault::cancel_reordered);
  [[maybe_unused]] const bool was_waiting = leave_line(op);
  assert(was_waiting);
  if (!is_late) return stop(op, -ECANCELED);
  state_of(op) = operation_state::cancelling; // it has stopped, which becomes known later
  if (kept_result_of(op) <= 0) kept_result_of(op) = -ECANCELED;
  flags_of(op) |= flag_moved;
  later(op, delay_of(fault::cancel_reordered, 1'000'000), &sim_proactor::tell_kept);
}

void sim_proactor::end_cancellation(operation& op) noexcept {
  [[maybe_unused]] const bool was_waiting = leave_line(op);
  assert(was_waiting);
  stop(op, -ECANCELED);
}

/// What the kernel had in its hands may come before the cancellation; whoever sends without end cannot keep
/// it away.
bool sim_proactor::hears_of_cancellation(operation& op) noexcept {
  if (op.state() != operation_state::cancelling) return false;
  const auto found = std::ranges::find(due_steps_, &op, &delayed_step::op);
  if (found == due_steps_.end() || --(*found)->pieces_left > 0) return false;
  drop_later(op);
  end_cancellation(op);
  return true;
}

/// Its number may name another file by now: then it is looked for.
bool sim_proactor::leave_line(operation& op) noexcept {
  const auto leaves = [&op](port& on) {
    if (!on.readers.remove(op) && !on.writers.remove(op) && !on.polls.remove(op)) return false;
    on.mark_ready(); // for whoever is first in line now
    return true;
  };
  if (file* const what = host_.descriptors().find(op.descriptor()))
    if (port* const on = port_of(*what); on && leaves(*on)) return true;
  return std::ranges::any_of(ports_, [&](auto& each) { return each->on && leaves(*each); });
}

void sim_proactor::die() noexcept {
  dead_ns_ = host_.clock_ns();
  is_dead_ = true;
  while (!due_steps_.empty()) {
    operation& op = *due_steps_.back()->op;
    drop_later(op);
    if (has(op, flag_moved))
      tell_kept(op);
    else if (is_file_operation(op.kind()))
      complete(op, -ECANCELED);
  }
  for (auto& each : ports_)
    if (each->on) file_closed(*each);
  while (operation* op = parked_.pop_front()) begin(*op);
}

// --- later ---

void sim_proactor::later(operation& op, std::uint64_t delay_ns, step then) noexcept {
  if (idle_steps_.empty()) add_step();
  delayed_step& which = *idle_steps_.back();
  idle_steps_.pop_back();
  which.op = &op;
  which.then = then;
  which.lent = {};
  due_steps_.push_back(&which);
  host_.in().after(delay_ns, which);
}

/// The same for a send whose memory the kernel reads until then.
void sim_proactor::tell_when_copied(operation& op, std::span<const std::byte> lent) noexcept {
  later(op, delay_of(fault::notification_late, 20'000'000), &sim_proactor::tell_kept);
  delayed_step& which = *due_steps_.back();
  which.lent = lent;
  which.lent_sum = sum_of(lent);
}

void sim_proactor::add_step() {
  steps_.push_back(std::make_unique<delayed_step>(*this));
  due_steps_.reserve(steps_.capacity());
  idle_steps_.reserve(steps_.capacity());
  idle_steps_.push_back(steps_.back().get());
}

bool sim_proactor::drop_later(operation& op) noexcept {
  const auto found = std::ranges::find(due_steps_, &op, &delayed_step::op);
  if (found == due_steps_.end()) return false;
  host_.in().cancel(**found);
  idle_steps_.push_back(*found);
  due_steps_.erase(found);
  return true;
}

void sim_proactor::step_due(delayed_step& which) noexcept {
  operation& op = *which.op;
  const step then = which.then;
  if (!which.lent.empty() && sum_of(which.lent) != which.lent_sum)
    host_.in().accuse("memory of a zero-copy send was changed while the kernel still read it");
  drop_later(op);
  (this->*then)(op);
}

// --- waiting ---

std::uint64_t sim_proactor::runnable_at_ns() const noexcept {
  const bool has_reason = has_news() || !completed_.empty() || wake_asked_.load(std::memory_order_relaxed);
  return has_reason ? 0 : sleeps_until_ns_;
}

void sim_proactor::look() noexcept {
  hand_over();
  serve_ready();
}

/// What another look would do something about.
bool sim_proactor::has_news() const noexcept {
  return !ready_.empty() || !known_.empty() || (!starved_.empty() && pool_.slots_free() > 0);
}

bool sim_proactor::end_wait() noexcept {
  if (std::exchange(overlooks_, false)) return true;
  if (completed_.empty()) look(); // else it was told already, and a stream has its quantum
  const bool is_woken = take_wake();
  return is_woken || !completed_.empty() || sleeps_until_ns_ <= host_.in().now_ns();
}

void sim_proactor::wait(std::uint64_t timeout_ns) noexcept {
  ++counters_.waits;
  begin_parked();
  overlooks_ = !is_dead_ && happens(fault::queue_overflow); // what is known is told in another turn
  if (!overlooks_) look();
  if (is_dead_) {
    dead_ns_ += dead_turn_ns;
    return;
  }
  world& in = host_.in();
  if (!completed_.empty() || overlooks_ || happens(fault::spurious_wake)) timeout_ns = 0;
  sleeps_until_ns_ =
      timeout_ns == no_timeout ? event_queue::never_ns : in.now_ns() + host_.world_duration_ns(timeout_ns);
  if (!is_turned_by_world_) let_world_go_on();
}

/// Somebody else turns the loop.
void sim_proactor::let_world_go_on() noexcept {
  world& in = host_.in();
  if (sleeps_until_ns_ <= in.now_ns()) (void)in.step(in.now_ns()); // others have their chance nevertheless
  if (std::exchange(overlooks_, false) || !completed_.empty()) return (void)take_wake();
  const auto is_over = [this] {
    do {
      look();
    } while (completed_.empty() && has_news());
    return !completed_.empty() || wake_asked_.load(std::memory_order_acquire);
  };
  if (!is_over()) in.wait_until(is_over, sleeps_until_ns_);
  (void)take_wake();
}

void sim_proactor::poll() noexcept {
  if (!is_turned_by_world_) (void)host_.in().step(host_.in().now_ns());
  look();
}

void sim_proactor::wake() noexcept {
  if (!wake_asked_.exchange(true, std::memory_order_acq_rel)) host_.in().wake_up();
}

bool sim_proactor::take_wake() noexcept {
  if (!wake_asked_.load(std::memory_order_relaxed)) return false;
  wake_asked_.store(false, std::memory_order_release);
  ++counters_.wakes;
  return true;
}

} // namespace weir::sim
