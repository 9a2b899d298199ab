// loop: one thread, one proactor, one order of events. docs/loop.md is its contract: a turn is, in this
// order,
//   1. inbox  2. timers due  3. completions ready  4. deferred work  5. end-of-turn work, then submit and
//   wait in one system call
// and each phase has a budget, so that none can starve another.
//
// Thread rule: construct, run and destroy on one thread; only `post`, `post_answer`, `wake`, `stop` and
// `ask_attention` may be called from others, and `counters`, `measured` and the numbers of the pools and of
// what is outstanding be read. Lifetime: outlives all operations, timers and leases that belong to it, and
// the answers that other threads owe it, of which its end still takes those that have been sent; a loop that
// ends with operations outstanding says which. `now_ns` is constant within a turn.
#pragma once

#include <weir/base/buffer_pool.hpp>
#include <weir/base/result.hpp>
#include <weir/io/backend.hpp>
#include <weir/io/blocking_pool.hpp>
#include <weir/io/completion_queue.hpp>
#include <weir/io/counters.hpp>
#include <weir/io/inbox.hpp>
#include <weir/io/measurements.hpp>
#include <weir/io/memory_holder.hpp>
#include <weir/io/operation.hpp>
#include <weir/io/proactor.hpp>
#include <weir/io/task_owner.hpp>
#include <weir/io/timer.hpp>
#include <weir/io/work.hpp>

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <source_location>
#include <string>

namespace weir {

struct loop_options {
  weir::backend backend = weir::backend::automatic;
  proactor_options io;
  buffer_pool_options buffers; ///< receive memory: the byte budget of all streams of the loop together
  buffer_pool_options send_buffers{std::size_t{64} << 10,
                                   std::size_t{64} << 20}; ///< where written bytes are gathered
  std::size_t stream_credit_bytes =
      256u << 10; ///< unread bytes of a stream at which its receive is paused; resumed at half of it
  std::size_t stream_send_bytes =
      512u << 10; ///< unsent bytes of a stream at which writers wait; they go on at half of it
  std::size_t completion_capacity = 4096; ///< known completions that wait for their handlers, a lane
  std::size_t inbox_max = 65536;   ///< pieces of work that other threads posted and no turn has taken yet
  std::size_t phase_budget = 1024; ///< most handlers that one phase runs in a turn
  std::uint64_t turn_budget_ns = 10'000'000; ///< time after which a phase leaves the rest to the next turn
  std::uint64_t seed = 0;                    ///< of the loop's random generator; 0: from the system
  std::uint64_t spin_ns = 0; ///< how long a loop with nothing to do looks for completions before it sleeps
  bool measure_handlers = false;             ///< times every handler and phase (measurements.hpp), 25 ns each
  std::uint64_t slow_handler_ns = 1'000'000; ///< one that is measured and takes longer is listed
  blocking_pool* blocking = nullptr;         ///< for blocking work, outlives the loop; null: the process's
};

class loop {
 public:
  /// Makes the backend for a loop whose queue, pool and counters these are. For simulation and tests.
  using backend_factory = std::function<result<chosen_backend>(const loop_options&, completion_queue&,
                                                               buffer_pool&, loop_counters&)>;

  static result<std::unique_ptr<loop>> create(const loop_options& options = loop_options{});
  static result<std::unique_ptr<loop>> create(const loop_options& options, const backend_factory& factory);
  ~loop();

  /// The loop whose `run` or `turn` is on this thread's stack; null outside.
  static loop* current() noexcept;

  /// Turns until `stop`.
  void run();
  /// One turn; waits at most until `deadline_ns` (loop time; 0: does not wait).
  void turn(std::uint64_t deadline_ns = proactor::no_timeout);
  /// Any thread: `run` returns at the end of its turn. The loop may end then, though `stop` be under way
  /// still.
  void stop() noexcept;

  void start(operation& op, std::source_location where = std::source_location::current()) noexcept;
  void cancel(operation& op) noexcept { proactor_->cancel(op); }

  void arm(timer& which, std::uint64_t deadline_ns) noexcept { timers_.arm(which, deadline_ns); }

  /// Any thread: runs in phase 1 of a later turn. False at the bound of the inbox; the work is the caller's
  /// still. The loop must not end while `post` is under way.
  [[nodiscard]] bool post(work& item) noexcept;
  /// Any thread: the same for the answer to what this loop asked another thread for, which is never refused.
  /// The loop may end once the answer has run, though `post_answer` be under way still.
  void post_answer(work& item) noexcept;
  /// On the loop's thread: from the question until its answer was taken the loop must not end.
  void expect_answer() noexcept { ++answers_owed_; }
  void answer_taken() noexcept { --answers_owed_; }
  std::size_t answers_owed() const noexcept { return answers_owed_; }
  /// Runs in phase 4, of this turn at the earliest, of the next when called from phase 4: what yields lets
  /// I/O pass.
  void defer(work& item) noexcept { deferred_.push_back(item); }
  /// Runs in phase 4, in front of what was deferred; also when called from phase 4, as long as the budget
  /// lasts: a chain of wake-ups costs no turn a link.
  void resume_soon(work& item) noexcept { woken_.push_back(item); }
  /// Runs once, after everything else of this turn and before it submits: where gathered writes leave.
  void at_end_of_turn(work& item) noexcept { ending_.push_back(item); }
  /// Runs at the end of the next turn by which a slot of `buffers` has been given back since the last look:
  /// for those who hold more than their share of them. Once; unlike all else that waits it may be taken away
  /// again.
  void when_slots_return(work& item) noexcept { awaiting_slots_.push_back(item); }
  void no_longer_when_slots_return(work& item) noexcept { awaiting_slots_.remove(item); }
  /// Any thread, async-signal-safe: the current or the next turn does not sleep.
  void wake() noexcept;

  /// Any thread: `on_attention` runs at the beginning of a later turn, once for all who asked before.
  void ask_attention() noexcept;
  /// What runs then; null: nothing. Must stay until it is replaced.
  void on_attention(work* what) noexcept { on_attention_ = what; }

  std::uint64_t now_ns() const noexcept { return now_ns_; }
  /// Uniform random bits from the loop's generator (SplitMix64: Steele, Lea, Flood 2014). Not for secrets.
  std::uint64_t random() noexcept;

  buffer_pool& buffers() noexcept { return pool_; }
  buffer_pool& send_buffers() noexcept { return send_pool_; }
  const buffer_pool& buffers() const noexcept { return pool_; }
  const buffer_pool& send_buffers() const noexcept { return send_pool_; }
  /// The threads for what blocks.
  blocking_pool& blocking() noexcept {
    return options_.blocking ? *options_.blocking : blocking_pool::of_process();
  }
  const loop_options& options() const noexcept { return options_; }
  const loop_counters& counters() const noexcept { return counters_; }
  /// On the loop's thread: for the floors above, which count here too.
  loop_counters& counters() noexcept { return counters_; }
  const measurements& measured() const noexcept { return *measured_; }
  proactor& backend() noexcept { return *proactor_; }
  const std::string& backend_reason() const noexcept { return reason_; }

  /// Whether a turn would find something to do without waiting.
  bool has_work_queued() const noexcept;
  std::size_t outstanding() const noexcept { return outstanding_count_; }
  void add_holder(memory_holder& which) noexcept { holders_.push_back(which); }
  void for_each_holder(const std::function<void(const memory_holder&)>& visit) const;
  void add_owner(task_owner& which) noexcept { owners_.push_back(which); }
  void for_each_owner(const std::function<void(const task_owner&)>& visit) const;
  /// Every operation in flight, oldest first.
  void for_each_outstanding(const std::function<void(const operation&)>& visit) const;
  /// A line for each of them: kind, descriptor, state, age, source location.
  std::string dump() const;

 private:
  explicit loop(const loop_options& options);

  void wake_if_asleep() noexcept;
  void await_cancelled() noexcept;
  void await_answers() noexcept;
  void run_queue(work_queue& queue, loop_phase phase) noexcept;
  void run_inbox() noexcept;
  void run_timers() noexcept;
  std::size_t run_completions() noexcept;
  void run_deferred() noexcept;
  void run_woken() noexcept;
  void run_end_of_turn() noexcept;
  void run_awaiting_slots() noexcept;
  bool have_slots_returned() const noexcept {
    return !awaiting_slots_.empty() && pool_.slots_returned() != slots_returned_seen_;
  }
  void submit_and_wait(std::uint64_t deadline_ns) noexcept;
  bool spin(std::uint64_t until_ns) noexcept;
  void sleep_until(std::uint64_t wake_at_ns) noexcept;
  void begin_phase(loop_phase phase) noexcept;
  void enter(loop_phase phase) noexcept;
  void enter(loop_phase phase, std::uint64_t at_ns) noexcept;
  void attend() noexcept;
  bool is_over_budget(std::size_t done) noexcept;
  void dispatch(completion_queue::entry&& ready) noexcept;
  void run_measured(operation& op, completion&& what) noexcept;

  loop_options options_;
  loop_counters counters_;
  std::unique_ptr<measurements> measured_;
  buffer_pool pool_;
  buffer_pool send_pool_;
  completion_queue completed_;
  std::unique_ptr<proactor> proactor_;
  std::string reason_;
  timer_wheel timers_{0};
  inbox inbox_;
  work_queue arrived_; ///< taken from the inbox, left over by the budget
  work_queue deferred_;
  work_queue woken_;
  work_queue ending_;
  work_queue awaiting_slots_;
  std::uint64_t slots_returned_seen_ = 0;
  intrusive_list<operation> outstanding_;
  single_writer<std::size_t> outstanding_count_;
  intrusive_list<memory_holder> holders_;
  intrusive_list<task_owner> owners_;
  work* on_attention_ = nullptr;
  std::size_t answers_owed_ = 0;
  std::uint64_t now_ns_ = 0;
  std::uint64_t looked_ns_ = 0; ///< at the clock, last in this turn
  std::uint64_t phase_began_ns_ = 0;
  std::uint64_t entered_ns_ = 0;       ///< the phase under way
  std::uint64_t handler_began_ns_ = 0; ///< the same, or the end of the last handler that was measured
  loop_phase phase_ = loop_phase::waiting;
  std::uint64_t random_state_;
  std::atomic<bool> sleeping_{false};
  std::atomic<bool> stopping_{false};
  std::atomic<bool> wake_requested_{false};
  std::atomic<bool> attention_asked_{false};
  std::atomic<unsigned> callers_{0}; ///< threads inside `post_answer` and `stop`, for whom ~loop waits
};

} // namespace weir
