#include "probes.hpp"

#include <weir/base/sim_point.hpp>
#include <weir/io/loop.hpp>

#include <cstdio>
#include <cstdlib>
#include <random>
#include <thread>

namespace weir {
namespace {

thread_local loop* current_loop = nullptr;

/// How often a phase looks at the clock: reading it costs about as much as a small handler.
constexpr std::size_t handlers_per_clock_read = 16;

std::uint64_t seed_of(const loop_options& options) {
  if (options.seed != 0) return options.seed;
  std::random_device entropy;
  return std::uint64_t{entropy()} << 32 | entropy();
}

} // namespace

loop* loop::current() noexcept {
  return current_loop;
}

result<std::unique_ptr<loop>> loop::create(const loop_options& options) {
  return create(options, [](const loop_options& wanted, completion_queue& completed, buffer_pool& pool,
                            loop_counters& counters) {
    return choose_backend(wanted.backend, wanted.io, completed, pool, counters);
  });
}

result<std::unique_ptr<loop>> loop::create(const loop_options& options, const backend_factory& factory) {
  std::unique_ptr<loop> made(new loop(options));
  if (!options.blocking) blocking_pool::of_process(); // made now, so that asking for it cannot fail later
  auto chosen = factory(made->options_, made->completed_, made->pool_, made->counters_);
  if (!chosen) return fail(std::move(chosen).error());
  made->proactor_ = std::move(chosen->implementation);
  made->reason_ = std::move(chosen->reason);
  made->now_ns_ = made->proactor_->now_ns();
  made->timers_.advance(made->now_ns_, 0);
  return made;
}

loop::loop(const loop_options& options)
    : options_(options), measured_(std::make_unique<measurements>()), pool_(options.buffers),
      send_pool_(options.send_buffers), completed_(options.completion_capacity), inbox_(options.inbox_max),
      random_state_(seed_of(options)) {
  if (!options_.io.blocking) options_.io.blocking = options_.blocking;
}

loop::~loop() {
  await_cancelled();
  await_answers();
  // Behind the last handlers, which may have taken an answer whose sender is not out of the loop yet.
  while (callers_.load(std::memory_order_acquire) != 0) std::this_thread::yield();
  if (outstanding_count_ == 0 && answers_owed_ == 0) return;
  std::fprintf(stderr, "weir: a loop ends with %zu answers owed and %zu operations outstanding:\n%s",
               answers_owed_, outstanding_count_.load(), dump().c_str());
  std::abort(); // the kernel may still write into their memory, and those who answer into the loop's
}

/// What was answered waits in the inbox, or its sender is about to put it there.
void loop::await_answers() noexcept {
  constexpr int looks_max = 1000;
  for (int looks = 0; proactor_ && outstanding_count_ == 0 && answers_owed_ > 0 && looks < looks_max; ++looks)
    turn(0);
}

/// What was asked to stop completes on its own; closing streams leave such operations behind.
void loop::await_cancelled() noexcept {
  const auto is_any = [this](operation_state wanted) {
    for (const operation* op = outstanding_.front(); op; op = outstanding_.next(*op))
      if (op->state() == wanted) return true;
    return false;
  };
  while (proactor_) {
    if (is_any(operation_state::completed)) {
      turn(0); // only for its handler: behind it nothing may be left to wait for
    } else if (is_any(operation_state::cancelling)) {
      turn();
    } else {
      return;
    }
  }
}

void loop::run() {
  // Taken at the end, not cleared at the start: a stop that another thread sends before `run` counts.
  while (!stopping_.load(std::memory_order_relaxed) || !stopping_.exchange(false, std::memory_order_acquire))
    turn();
}

void loop::turn(std::uint64_t deadline_ns) {
  loop* const outer = std::exchange(current_loop, this);
  ++counters_.turns;
  now_ns_ = looked_ns_ = proactor_->now_ns();
  if (attention_asked_.load(std::memory_order_relaxed)) [[unlikely]]
    attend();
  run_inbox();
  run_timers();
  const std::size_t handled = run_completions();
  run_deferred();
  run_end_of_turn();
  proactor_->turn_ends(); // peers wait for it: what is only kept for ourselves comes behind
  if (handled != 0) measured_->batch.record(handled);
  enter(loop_phase::waiting);
  submit_and_wait(deadline_ns);
  current_loop = outer;
}

void loop::stop() noexcept {
  callers_.fetch_add(1, std::memory_order_relaxed);
  stopping_.store(true, std::memory_order_release); // from here on `run` may return
  proactor_->wake();
  callers_.fetch_sub(1, std::memory_order_release);
}

void loop::start(operation& op, std::source_location where) noexcept {
  assert(op.is_idle() && "an operation was started twice");
  op.started_from_ = where;
  op.started_at_ns_ = now_ns_;
  outstanding_.push_back(op);
  ++outstanding_count_;
  ++counters_.operations_started;
  probes::submit(op);
  proactor_->start(op);
}

bool loop::post(work& item) noexcept {
  if (!inbox_.push(item)) return false;
  wake_if_asleep();
  return true;
}

void loop::post_answer(work& item) noexcept {
  callers_.fetch_add(1, std::memory_order_relaxed);
  inbox_.push_answer(item);
  wake_if_asleep();
  callers_.fetch_sub(1, std::memory_order_release); // the last touch: ~loop waits for it
}

/// Pairs with sleep_until: either it sees what was pushed, or we see that it sleeps.
void loop::wake_if_asleep() noexcept {
  if (sleeping_.load(std::memory_order_seq_cst) && sleeping_.exchange(false, std::memory_order_seq_cst))
    proactor_->wake();
}

void loop::wake() noexcept {
  // Noted besides: what spins takes the wake-up of the backend without ending the turn.
  wake_requested_.store(true, std::memory_order_release);
  proactor_->wake();
}

void loop::ask_attention() noexcept {
  attention_asked_.store(true, std::memory_order_release);
  wake();
}

void loop::attend() noexcept {
  attention_asked_.exchange(false, std::memory_order_acquire);
  if (on_attention_) on_attention_->run();
}

std::uint64_t loop::random() noexcept {
  std::uint64_t bits = random_state_ += 0x9e3779b97f4a7c15;
  bits = (bits ^ bits >> 30) * 0xbf58476d1ce4e5b9;
  bits = (bits ^ bits >> 27) * 0x94d049bb133111eb;
  return bits ^ bits >> 31;
}

// --- the phases of a turn ---

bool loop::is_over_budget(std::size_t done) noexcept {
  if (done >= options_.phase_budget) return true;
  if (done > 0 && sim_point("loop.phase_ends_early")) return true;
  if (done % handlers_per_clock_read != handlers_per_clock_read - 1) return false;
  looked_ns_ = proactor_->now_ns();
  return looked_ns_ - phase_began_ns_ > options_.turn_budget_ns;
}

/// Its time counts from the last look at the clock: phases of few handlers, as most are, cost no look.
void loop::begin_phase(loop_phase phase) noexcept {
  enter(phase);
  phase_began_ns_ = looked_ns_;
}

void loop::enter(loop_phase phase) noexcept {
  if (options_.measure_handlers) looked_ns_ = proactor_->now_ns();
  enter(phase, looked_ns_);
}

/// Tells the other threads what is done from now on, and notes how long the phase before it took.
void loop::enter(loop_phase phase, std::uint64_t at_ns) noexcept {
  if (options_.measure_handlers && phase_ != loop_phase::waiting)
    measured_->phase_ns[static_cast<std::size_t>(phase_)].record(at_ns - entered_ns_);
  if (phase_ != phase || phase != loop_phase::waiting) measured_->now.write(current_handler(phase, at_ns));
  phase_ = phase;
  entered_ns_ = handler_began_ns_ = at_ns;
}

/// Runs what is in `queue` now, not what is added meanwhile; what the budget leaves over stays at its head.
void loop::run_queue(work_queue& queue, loop_phase phase) noexcept {
  if (queue.empty()) return;
  begin_phase(phase);
  work_queue batch = std::move(queue);
  for (std::size_t done = 0; !batch.empty() && !is_over_budget(done); ++done) batch.pop_front()->run();
  batch.splice_back(queue);
  queue = std::move(batch);
}

void loop::run_inbox() noexcept {
  if (arrived_.empty() && !inbox_.empty()) arrived_ = inbox_.take_all(); // else the bound would not hold
  run_queue(arrived_, loop_phase::inbox);
}

void loop::run_timers() noexcept {
  const std::uint64_t due_ns = timers_.next_ns();
  if (due_ns > now_ns_) return;
  measured_->lag_ns.record(now_ns_ - due_ns);
  enter(loop_phase::timers);
  timers_.advance(now_ns_, sim_point("loop.few_timers_a_turn") ? 1 : options_.phase_budget);
}

/// Returns how many.
std::size_t loop::run_completions() noexcept {
  if (completed_.empty()) return 0;
  begin_phase(loop_phase::completions);
  const std::size_t ready = completed_.size();
  std::size_t done = 0;
  for (; done < ready && !is_over_budget(done); ++done) dispatch(*completed_.pop());
  return done;
}

void loop::dispatch(completion_queue::entry&& ready) noexcept {
  operation& op = *ready.op;
  ++counters_.completions;
  ++counters_.completions_of_lane[static_cast<std::size_t>(op.lane_)];
  probes::complete(op, ready.what);
  if (pool_.traces_leases() && ready.what.data.owner())
    pool_.note_origin(*ready.what.data.owner(), {op.descriptor_, now_ns_, op.started_from_});
  measured_->now.write(current_handler(op, handler_began_ns_));
  if (!ready.what.more) {
    measured_->latency_ns[static_cast<std::size_t>(op.kind_)].record(now_ns_ - op.started_at_ns_);
    op.state_ = operation_state::idle;
    op.unlink();
    --outstanding_count_;
  }
  if (options_.measure_handlers) [[unlikely]]
    return run_measured(op, std::move(ready.what));
  op.on_completion_(op, std::move(ready.what));
}

/// What is noted of the operation is noted before: its handler may destroy it.
void loop::run_measured(operation& op, completion&& what) noexcept {
  const operation_kind kind = op.kind_;
  const std::source_location where = op.started_from_;
  op.on_completion_(op, std::move(what));
  const std::uint64_t ended_ns = proactor_->now_ns();
  const std::uint64_t took_ns = ended_ns - std::exchange(handler_began_ns_, ended_ns);
  measured_->handler_ns[static_cast<std::size_t>(kind)].record(took_ns);
  if (took_ns > options_.slow_handler_ns) measured_->slowest.note(kind, where, took_ns);
}

/// The woken come first, so that what yielded lets them pass; and those that it wakes do not wait for a turn
/// either, unless a chain of wake-ups has used up the time that they have in a turn.
void loop::run_deferred() noexcept {
  run_woken();
  const bool is_over = !woken_.empty();
  run_queue(deferred_, loop_phase::deferred);
  if (!is_over) run_woken();
}

void loop::run_woken() noexcept {
  if (woken_.empty()) return;
  begin_phase(loop_phase::deferred);
  for (std::size_t done = 0; !woken_.empty() && !is_over_budget(done); ++done) woken_.pop_front()->run();
}

void loop::run_end_of_turn() noexcept {
  if (have_slots_returned()) run_awaiting_slots();
  if (ending_.empty()) return;
  enter(loop_phase::end_of_turn);
  work_queue batch = std::move(ending_);
  while (work* item = batch.pop_front()) item->run();
}

/// Each looks for itself and waits again where its share is still too large. What it starts may not return
/// slots, so this ends.
void loop::run_awaiting_slots() noexcept {
  enter(loop_phase::end_of_turn);
  slots_returned_seen_ = pool_.slots_returned();
  work_queue batch = std::move(awaiting_slots_);
  while (work* item = batch.pop_front()) item->run();
}

bool loop::has_work_queued() const noexcept {
  return !completed_.empty() || !deferred_.empty() || !woken_.empty() || !arrived_.empty() ||
         !ending_.empty() || have_slots_returned() || !inbox_.empty() ||
         stopping_.load(std::memory_order_relaxed) || wake_requested_.load(std::memory_order_relaxed);
}

void loop::submit_and_wait(std::uint64_t deadline_ns) noexcept {
  const std::uint64_t wake_at_ns = std::min(deadline_ns, timers_.next_ns());
  const bool may_spin = options_.spin_ns != 0 && wake_at_ns > now_ns_ && !has_work_queued();
  if (!may_spin || !spin(std::min(wake_at_ns, proactor_->now_ns() + options_.spin_ns)))
    sleep_until(wake_at_ns);
  if (wake_requested_.load(std::memory_order_relaxed))
    wake_requested_.exchange(false, std::memory_order_acquire);
}

/// Does not sleep while anything is queued, but submits and looks all the same.
void loop::sleep_until(std::uint64_t wake_at_ns) noexcept {
  sleeping_.store(true, std::memory_order_seq_cst);
  std::uint64_t timeout_ns = 0;
  if (!has_work_queued()) {
    const std::uint64_t now_ns = wake_at_ns == proactor::no_timeout ? 0 : proactor_->now_ns();
    timeout_ns = wake_at_ns == proactor::no_timeout ? wake_at_ns : wake_at_ns - std::min(wake_at_ns, now_ns);
  }
  proactor_->wait(timeout_ns);
  sleeping_.store(false, std::memory_order_relaxed);
}

/// Looks again and again instead of sleeping: costs a core, saves the 20 to 40 us that waking one takes. True
/// when there is work.
bool loop::spin(std::uint64_t until_ns) noexcept {
  do {
    proactor_->poll();
    if (has_work_queued()) return true;
  } while (proactor_->now_ns() < until_ns);
  return false;
}

// --- what am I waiting for? ---

void loop::for_each_outstanding(const std::function<void(const operation&)>& visit) const {
  for (const operation* op = outstanding_.front(); op; op = outstanding_.next(*op)) visit(*op);
}

void loop::for_each_holder(const std::function<void(const memory_holder&)>& visit) const {
  for (const memory_holder* holder = holders_.front(); holder; holder = holders_.next(*holder))
    visit(*holder);
}

void loop::for_each_owner(const std::function<void(const task_owner&)>& visit) const {
  for (const task_owner* owner = owners_.front(); owner; owner = owners_.next(*owner)) visit(*owner);
}

std::string loop::dump() const {
  std::string text;
  for_each_outstanding([&](const operation& op) {
    char line[256];
    const std::uint64_t age_ns = proactor_->now_ns() - op.started_at_ns();
    std::snprintf(line, sizeof line, "  %-20s descriptor %-5d %-10s %10.3f ms  %s:%u\n",
                  name_of(op.kind()).data(), op.descriptor(), name_of(op.state()).data(),
                  static_cast<double>(age_ns) / 1e6, op.started_from().file_name(),
                  static_cast<unsigned>(op.started_from().line()));
    text += line;
  });
  return text;
}

} // namespace weir
