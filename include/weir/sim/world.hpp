// world: a simulated world: hosts with a network between them, a virtual time, and one seed that decides
// everything that the programs on them do not decide themselves.
//
// Everything in it runs on one thread, a step at a time: what is due happens, then one of those who can run
// runs, chosen by the seed; when nobody can, time jumps to what happens next. Reading a clock takes a
// moment, nothing else that a program does takes any time. Two worlds of one seed whose programs are the
// same go through the same steps: `log().hash()` tells.
//
// Thread rule: one thread; `wake_up` any. Lifetime: outlives its hosts' loops. A world allocates while it
// grows and not in a steady state.
#pragma once

#include <weir/sim/datagram.hpp>
#include <weir/sim/event_queue.hpp>
#include <weir/sim/fault_plan.hpp>
#include <weir/sim/random.hpp>
#include <weir/sim/trace.hpp>

#include <algorithm>
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <limits>
#include <memory>
#include <mutex>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace weir::sim {

class host;
class network;

struct world_options {
  world_options() noexcept {}

  bool has_faults = true; ///< drawn from the seed; without, nothing goes wrong and nothing takes longer
  /// Real threads may wake its loops: while nothing is due it waits for them, in real time. Gives up
  /// determinism; for tests of what threads do to loops.
  bool waits_for_threads = false;
  /// Answers in the place of all streams, those of faults excepted. Outlives the world.
  random_source::chooser* chooser = nullptr;
};

/// Somebody who runs when the world lets him: a loop that a program runs on, a thread.
class participant {
 public:
  /// From when on it wants to run; event_queue::never_ns: something has to happen first.
  virtual std::uint64_t runnable_at_ns() const noexcept = 0;
  virtual void run() = 0;

 protected:
  virtual ~participant() = default;

 private:
  friend class world;
  bool is_running_ = false;
};

class world {
 public:
  explicit world(std::uint64_t seed, const world_options& options = world_options());
  ~world();
  world(const world&) = delete;
  world& operator=(const world&) = delete;

  std::uint64_t seed() const noexcept { return seed_; }
  std::uint64_t now_ns() const noexcept { return now_ns_; }
  const world_options& options() const noexcept { return options_; }

  /// Its name is not taken. Lives as long as the world.
  host& add_host(std::string_view name);
  host& host_number(std::uint32_t number) noexcept { return *hosts_[number - 1]; } ///< from 1 on
  std::size_t hosts_count() const noexcept { return hosts_.size(); }
  /// In the order of their numbers.
  std::span<const std::unique_ptr<host>> hosts() const noexcept { return hosts_; }
  /// Of any host.
  bool has_open_descriptors() const noexcept;

  network& net() noexcept { return *network_; }
  fault_plan& faults() noexcept { return faults_; }
  trace& log() noexcept { return log_; }
  /// For decisions that are no faults, such as who runs next.
  random_source& random() noexcept { return random_; }
  datagram_pool& datagrams() noexcept { return datagrams_; }

  // Time.
  void at(std::uint64_t time_ns, timed_event& event) { events_.schedule(event, std::max(time_ns, now_ns_)); }
  void after(std::uint64_t delay_ns, timed_event& event) { events_.schedule(event, now_ns_ + delay_ns); }
  void cancel(timed_event& event) noexcept { events_.cancel(event); }
  /// What a program that looks at a clock pays for it.
  std::uint64_t read_clock() noexcept { return now_ns_ += clock_read_ns; }

  // Going on.
  void add(participant& who);
  void remove(participant& who) noexcept;
  /// One step, at `until_ns` at the latest. False: nothing will happen before.
  bool step(std::uint64_t until_ns = event_queue::never_ns);
  /// Steps until `is_over`. False: it was not by `until_ns`, or nothing is going to happen any more.
  bool run_until(const std::function<bool()>& is_over, std::uint64_t until_ns = event_queue::never_ns);
  /// Goes on while somebody who is in the midst of his run waits: for something that others do, or the time.
  /// Returns when `is_over`, or at `until_ns`.
  void wait_until(const std::function<bool()>& is_over, std::uint64_t until_ns);
  /// How this thread waits in `wait_until`, where it is not the world's own.
  class patience {
   public:
    virtual void wait(const std::function<bool()>& is_over, std::uint64_t until_ns) = 0;

   protected:
    ~patience() = default;
  };
  class patience_scope {
   public:
    explicit patience_scope(patience& of_this_thread) noexcept;
    ~patience_scope();
    patience_scope(const patience_scope&) = delete;
    patience_scope& operator=(const patience_scope&) = delete;
  };
  std::uint64_t steps() const noexcept { return steps_; }
  /// For what the trace names: connections, datagrams.
  std::uint64_t next_number() noexcept { return ++numbers_; }

  /// Any thread, async-signal-safe but where the world waits for threads: somebody can run again.
  void wake_up() noexcept;

  // Suspensions: the moments at which a program has done all that it could, and waits.
  /// At the suspension of that number, from 0, the program that waits is asked to end.
  void cancel_at(std::uint64_t suspension) noexcept { cancel_at_ = suspension; }
  /// Of a program: whether it is asked to end now.
  bool suspends() noexcept { return suspensions_++ == cancel_at_; }
  std::uint64_t suspensions() const noexcept { return suspensions_; }
  bool has_cancelled() const noexcept { return suspensions_ > cancel_at_; }
  /// Whether what a scenario demands holds still. Asked to end, most programs leave their work undone.
  bool is_demanding() const noexcept { return holds_when_cancelled_ || !has_cancelled(); }
  void hold_when_cancelled(bool wanted) noexcept { holds_when_cancelled_ = wanted; }

  /// Something that no program may do was done, such as touching a buffer that the kernel still uses. The
  /// first is kept for the report.
  void accuse(std::string what);
  const std::string& accusation() const noexcept { return accusation_; }

 private:
  static constexpr std::uint64_t clock_read_ns = 25;

  bool happen_due();
  participant* choose() noexcept;
  std::uint64_t next_ns() const noexcept;
  void sleep(std::uint64_t until_ns);

  std::uint64_t seed_;
  world_options options_;
  std::uint64_t now_ns_ = 1'000'000'000; ///< long after the start: nobody takes 0 for a time
  std::uint64_t steps_ = 0;
  std::uint64_t numbers_ = 0;
  std::uint64_t suspensions_ = 0;
  std::uint64_t cancel_at_ = std::numeric_limits<std::uint64_t>::max();
  trace log_;
  random_source random_;
  fault_plan faults_;
  datagram_pool datagrams_;
  event_queue events_;
  std::unique_ptr<network> network_;
  std::vector<std::unique_ptr<host>> hosts_;
  std::vector<participant*> participants_;
  std::vector<participant*> ready_; ///< of `choose`
  std::string accusation_;
  bool holds_when_cancelled_ = false;

  std::mutex mutex_;
  std::condition_variable woken_;
  bool is_woken_ = false;
};

} // namespace weir::sim
