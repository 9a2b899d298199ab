// scenario: a program, the world that it runs in, and the rules that hold whatever that world brings.
//
// A run has two phases. In the safety phase faults happen, and nothing wrong may be seen: rules are checked
// as things go on, by `world::accuse`. Then faults stop, and within a bound of virtual time everything must
// be done: the liveness phase. At its end the rest is checked.
//
// Thread rule: a run belongs to the world's thread. Lifetime: a run dies before its world; what it has
// started on hosts may outlive it only as far as it refers to nothing of it.
#pragma once

#include <weir/sim/world.hpp>

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

namespace weir::sim {

/// One run of a scenario, in one world.
class scenario_run {
 public:
  virtual ~scenario_run() = default;

  /// All that it set out to do is done, and nothing is left of it.
  virtual bool is_done() const = 0;
  /// From now on nothing goes wrong any more: what was crashed or cut off for the time being comes back.
  virtual void faults_stopped() {}
  /// When it is done: the rules that can be told at the end only.
  virtual void check_end() {}
  /// For the report of a run that was never done: what is missing.
  virtual std::string missing() const { return ""; }
};

struct scenario {
  using factory = std::unique_ptr<scenario_run> (*)(world& in);

  std::string_view name;   ///< lower case, words joined by '_'
  std::string_view checks; ///< in one line, what must hold
  factory begin;
  std::uint64_t safety_ns = 10'000'000'000;    ///< longest safety phase, in virtual time
  std::uint64_t liveness_ns = 120'000'000'000; ///< in which everything must be done afterwards
  std::uint64_t steps_max = 5'000'000;         ///< of the world, in both phases: a bound for what spins
  /// What it demands holds also of programs that were asked to end before they were done.
  bool holds_when_cancelled = false;
};

/// For a run that is a class with a constructor that takes the world: `begin_run<exchange>`.
template <class Run>
std::unique_ptr<scenario_run> begin_run(world& in) {
  return std::make_unique<Run>(in);
}

} // namespace weir::sim
