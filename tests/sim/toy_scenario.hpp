// A scenario without a program, which the tests of the runner can make pass, fail and hang: it ticks.
#pragma once

#include <weir/sim/scenario.hpp>

#include <cstdint>

namespace weir::sim::test {

inline constexpr std::uint64_t tick_ns = 1'000'000;

/// Ticks a hundred times; asks for two kinds of fault at each tick.
class ticking : public scenario_run, private timed_event {
 public:
  explicit ticking(world& in, int ticks_wanted = 100)
      : timed_event([](timed_event& self) noexcept { static_cast<ticking&>(self).tick(); }), world_(in),
        wanted_(ticks_wanted) {
    in.after(tick_ns, *this);
  }
  ~ticking() override { world_.cancel(*this); }
  bool is_done() const override { return ticks_ >= wanted_; }
  std::string missing() const override { return std::to_string(wanted_ - ticks_) + " ticks"; }

 protected:
  /// `has_stalled`, `is_torn`: which faults have happened so far.
  virtual void ticked(world&) {}
  bool has_stalled = false;
  bool is_torn = false;

 private:
  void tick() noexcept {
    ++ticks_;
    world_.log().note(event::note, 0, static_cast<std::uint64_t>(ticks_), world_.random().bits());
    has_stalled |= world_.faults().happens(fault::stall);
    is_torn |= world_.faults().happens(fault::torn_write);
    ticked(world_);
    if (!is_done()) world_.after(tick_ns, *this);
  }

  world& world_;
  int wanted_;
  int ticks_ = 0;
};

/// Has a bug that shows when both faults have happened.
class fragile : public ticking {
 public:
  using ticking::ticking;

 private:
  void ticked(world& in) override {
    if (has_stalled && is_torn) in.accuse("it broke");
  }
};

/// Never comes to its end.
class endless : public ticking {
 public:
  explicit endless(world& in) : ticking(in, 1 << 30) {}
};

/// Asks something that is not the world's.
class careless : public ticking {
 public:
  using ticking::ticking;

 private:
  void ticked(world& in) override {
    static std::uint64_t all_ticks = 0;
    in.log().note(event::note, 0, ++all_ticks);
  }
};

/// Throws.
class throwing : public ticking {
 public:
  using ticking::ticking;
  void faults_stopped() override { throw std::runtime_error("out of order"); }
};

/// Finds something wrong at the end.
class dissatisfied : public ticking {
 public:
  explicit dissatisfied(world& in) : ticking(in), in_(in) {}
  void check_end() override { in_.accuse("the sum is wrong"); }

 private:
  world& in_;
};

template <class Run>
scenario toy(std::string_view name) {
  scenario made{name, "that the runner does what it should", begin_run<Run>};
  made.safety_ns = 200 * tick_ns;
  made.liveness_ns = 200 * tick_ns;
  return made;
}

} // namespace weir::sim::test
