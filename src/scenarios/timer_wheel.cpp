// The timer wheel against a reference model that is a sorted list.
//
// Timers are armed, moved, cancelled and destroyed at random, from outside and from within their own
// handlers, near and far; the wheel's clock comes at random times, late, too often, and once in a while years
// later. Rules:
//   1. A timer fires exactly when and in which order the list says: none early, none twice, none lost, by
//      tick and then as armed, at most the budget in a call, what a handler arms in a later call.
//   2. `next_ns` is never later than the earliest deadline's tick, and lies ahead unless something is due.
//   3. Whoever sleeps until `next_ns` each time comes to an empty wheel in a few wake-ups a timer.
#include "scenarios.hpp"

#include <weir/io/timer.hpp>

#include <algorithm>
#include <cstddef>
#include <memory>
#include <optional>
#include <vector>

namespace weir::scenarios {
namespace {

/// What the wheel should do.
class reference_wheel {
 public:
  struct entry {
    std::size_t id;
    std::uint64_t tick;
    std::uint64_t sequence;
  };

  void arm(std::size_t id, std::uint64_t deadline_ns) {
    cancel(id);
    constexpr std::uint64_t tick_ns = std::uint64_t{1} << timer_wheel::tick_shift;
    const std::uint64_t tick = (std::min(deadline_ns, ~std::uint64_t{0} - tick_ns) + tick_ns - 1) / tick_ns;
    const entry made{id, tick, sequence_++};
    if (tick <= now_ns_ / tick_ns || deadline_ns <= now_ns_)
      due_.push_back(made);
    else
      waiting_.push_back(made);
  }

  void cancel(std::size_t id) {
    const auto is_it = [id](const entry& each) { return each.id == id; };
    std::erase_if(waiting_, is_it);
    std::erase_if(due_, is_it);
  }

  /// Those that are due now run in this call, as long as they are not cancelled.
  void advance(std::uint64_t now_ns) {
    now_ns_ = now_ns;
    const std::uint64_t now_tick = now_ns >> timer_wheel::tick_shift;
    const auto is_before = [](const entry& one, const entry& other) {
      return one.tick != other.tick ? one.tick < other.tick : one.sequence < other.sequence;
    };
    std::sort(waiting_.begin(), waiting_.end(), is_before);
    const auto first_later = std::find_if(waiting_.begin(), waiting_.end(),
                                          [&](const entry& each) { return each.tick > now_tick; });
    due_.insert(due_.end(), waiting_.begin(), first_later);
    waiting_.erase(waiting_.begin(), first_later);
    armed_before_ = sequence_;
  }

  /// The next to fire in this call.
  std::optional<std::size_t> fire() {
    if (!has_more()) return std::nullopt;
    const std::size_t id = due_.front().id;
    due_.erase(due_.begin());
    return id;
  }
  bool has_more() const { return !due_.empty() && due_.front().sequence < armed_before_; }

  bool empty() const { return due_.empty() && waiting_.empty(); }
  bool has_due() const { return !due_.empty(); }
  std::uint64_t earliest_tick() const {
    std::uint64_t earliest = ~std::uint64_t{0};
    for (const entry& each : waiting_) earliest = std::min(earliest, each.tick);
    return earliest;
  }

 private:
  std::vector<entry> waiting_;
  std::vector<entry> due_;
  std::uint64_t now_ns_ = 0;
  std::uint64_t sequence_ = 0;
  std::uint64_t armed_before_ = 0;
};

class timer_wheel_run final : public sim::scenario_run, private sim::timed_event {
 public:
  explicit timer_wheel_run(sim::world& in)
      : timed_event([](timed_event& self) noexcept { static_cast<timer_wheel_run&>(self).step(); }),
        world_(in), random_(in.random().fork("timer_wheel")) {
    for (std::size_t id = 0; id < timers_max; ++id) timers_[id] = std::make_unique<numbered>(*this, id);
    world_.after(pace_ns, *this);
  }
  ~timer_wheel_run() override { world_.cancel(*this); }

  bool is_done() const override { return is_drained_; }
  void faults_stopped() override { acts_left_ = 0; }
  std::string missing() const override {
    return "the wheel is not empty, and wakes at " + std::to_string(wheel_.next_ns());
  }

 private:
  static constexpr std::size_t timers_max = 40;
  static constexpr std::uint64_t pace_ns = 1'000'000; ///< of the world: one act a millisecond
  static constexpr std::uint64_t tick_ns = std::uint64_t{1} << timer_wheel::tick_shift;

  struct numbered : timer {
    numbered(timer_wheel_run& in, std::size_t number)
        : timer([](timer& self) noexcept {
            auto& expired = static_cast<numbered&>(self);
            expired.run.fired(expired.id);
          }),
          run(in), id(number) {}
    timer_wheel_run& run;
    std::size_t id;
  };

  void step() noexcept {
    if (acts_left_ > 0) {
      --acts_left_;
      act();
      if (random_.chance(300'000)) advance(now_ns_ + late(random_.below(64 * tick_ns)));
    } else {
      drain();
    }
    check_next();
    if (!is_drained_) world_.after(pace_ns, *this);
  }

  /// Something that a program does to one timer.
  void act() {
    const std::size_t id = random_.below(timers_max);
    if (random_.chance(200'000)) {
      reference_.cancel(id);
      timer_wheel::cancel(*timers_[id]);
    } else if (random_.chance(50'000)) {
      reference_.cancel(id);
      timers_[id] = std::make_unique<numbered>(*this, id); // the old one unlinks itself
    } else {
      arm(id);
    }
  }

  void arm(std::size_t id) {
    // All levels of the wheel are as likely: from less than a tick to far beyond its range.
    const std::uint64_t distance_ns = random_.bits() >> random_.below(64);
    std::uint64_t deadline_ns = now_ns_ + distance_ns;
    if (deadline_ns < now_ns_) deadline_ns = ~std::uint64_t{0};
    if (random_.chance(100'000)) deadline_ns = random_.below(now_ns_ + 1); // past
    reference_.arm(id, deadline_ns);
    wheel_.arm(*timers_[id], deadline_ns);
  }

  /// The clock comes late when the host stalls, and again at once when a wait ends for nothing.
  std::uint64_t late(std::uint64_t by_ns) {
    if (world_.faults().happens(sim::fault::spurious_wake)) return 0;
    if (!world_.faults().happens(sim::fault::stall)) return by_ns;
    return by_ns + (std::uint64_t{1} << world_.faults().amounts(sim::fault::stall).below(56));
  }

  void advance(std::uint64_t to_ns) {
    now_ns_ = to_ns;
    reference_.advance(to_ns);
    const std::size_t budget = random_.chance(500'000) ? 1024 : random_.below(4);
    ran_ = 0;
    const std::size_t told = wheel_.advance(to_ns, budget);
    if (told != ran_ || told > budget) world_.accuse("the wheel miscounts what ran");
    if (told < budget && reference_.has_more()) world_.accuse("a timer that is due did not fire");
    world_.log().note(sim::event::note, 0, told, to_ns);
  }

  void fired(std::size_t id) noexcept {
    ++ran_;
    const std::optional<std::size_t> expected = reference_.fire();
    if (!expected)
      world_.accuse("timer " + std::to_string(id) + " fired, and none was due");
    else if (*expected != id)
      world_.accuse("timer " + std::to_string(id) + " fired instead of " + std::to_string(*expected));
    if (timers_[id]->is_armed()) world_.accuse("a timer that fires is armed still");
    if (acts_left_ > 0 && random_.chance(300'000)) act_within(id);
  }

  void act_within(std::size_t id) {
    if (random_.chance(500'000)) return arm(id);
    const std::size_t other = random_.below(timers_max);
    reference_.cancel(other);
    timer_wheel::cancel(*timers_[other]);
  }

  void check_next() {
    const std::uint64_t next_ns = wheel_.next_ns();
    if ((next_ns == timer_wheel::never) != reference_.empty())
      world_.accuse("the wheel and the list disagree about whether anything is armed");
    else if (reference_.has_due() && next_ns > now_ns_)
      world_.accuse("something is due, and the wheel would sleep");
    else if (!reference_.has_due() && next_ns <= now_ns_)
      world_.accuse("nothing is due, and the wheel would not sleep");
    else if (!reference_.empty() && !reference_.has_due() && next_ns / tick_ns > reference_.earliest_tick())
      world_.accuse("the wheel would oversleep");
  }

  /// Wakes when the wheel says, until nothing is left.
  void drain() {
    if (reference_.empty()) {
      is_drained_ = true;
      return;
    }
    constexpr std::uint64_t wakes_max = timers_max * 9; // once a level, and one to fire
    if (reference_.has_due()) return advance(now_ns_);
    if (++wakes_ > wakes_max) world_.accuse("the wheel wakes too often");
    advance(wheel_.next_ns());
  }

  sim::world& world_;
  sim::random_source random_;
  reference_wheel reference_;
  std::uint64_t now_ns_ = 0;
  weir::timer_wheel wheel_{0};
  std::vector<std::unique_ptr<numbered>> timers_{timers_max};
  int acts_left_ = 500;
  std::size_t ran_ = 0;
  std::uint64_t wakes_ = 0;
  bool is_drained_ = false;
};

} // namespace

constinit const sim::scenario timer_wheel_model{
    "timer_wheel", "timers fire exactly when and in which order a sorted list says",
    sim::begin_run<timer_wheel_run>};

} // namespace weir::scenarios
