// runner: takes one seed through a scenario, both phases, and says how that went.
//
// Two runs with the same scenario, seed and options give the same report, hash included; `run_twice` checks
// it. Thread rule: one thread a run; runs share nothing. Bound: virtual time and steps, as the scenario says;
// a run that comes to neither is ended and reported. Errors are reports; what a program throws is one too.
#pragma once

#include <weir/sim/fault_plan.hpp>
#include <weir/sim/random.hpp>
#include <weir/sim/scenario.hpp>
#include <weir/sim/trace.hpp>

#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <vector>

namespace weir::sim {

struct run_options {
  run_options() noexcept { kinds.set(); }

  fault_set kinds; ///< that may happen
  std::uint64_t fault_events_max = std::numeric_limits<std::uint64_t>::max();
  std::uint64_t safety_steps_max = std::numeric_limits<std::uint64_t>::max(); ///< then faults stop
  std::vector<trace_record>* all_events = nullptr; ///< where every event is stored, for a timeline

  // One place of a run, and who decides there instead of the seed (exhaustive.hpp).
  std::optional<std::uint64_t> fail_at; ///< of all questions about `kinds` only this one is answered by yes
  /// At this suspension of a program all are asked to end: that one, then the others.
  std::optional<std::uint64_t> cancel_at;
  std::optional<std::vector<std::uint64_t>> way; ///< how the first choices are answered, faults among them
  random_source::chooser* chooser = nullptr;     ///< the same, by somebody who is asked
};

struct run_report {
  bool passed() const noexcept { return failure.empty(); }

  std::uint64_t seed = 0;
  std::uint64_t trace_hash = 0;
  std::uint64_t events = 0; ///< that were traced
  std::uint64_t steps = 0;
  std::uint64_t safety_steps = 0; ///< of these, before faults stopped
  std::uint64_t virtual_ns = 0;
  std::uint64_t questions = 0;   ///< about faults, where `fail_at` was wanted
  std::uint64_t suspensions = 0; ///< of programs
  fault_plan::counts_type faults{};
  std::string failure;            ///< the rule that was broken; empty: none
  std::vector<trace_record> last; ///< of a run that failed: its last events
  std::vector<std::string> hosts; ///< their names; host 1 is the first
};

run_report run_seed(const scenario& what, std::uint64_t seed, const run_options& options = run_options());

/// The same, and once more: a report that is not the same as the first is a failure of the simulator, or of a
/// program that asks something real.
run_report run_twice(const scenario& what, std::uint64_t seed, const run_options& options = run_options());

/// What many runs of a scenario come to.
struct run_tally {
  void add(const run_report& report) noexcept;

  std::uint64_t runs = 0;
  std::uint64_t events = 0;
  std::uint64_t steps = 0;
  std::uint64_t virtual_ns = 0;
  std::uint64_t trace_hash = 0; ///< of one run its own, of several one that depends on all, in their order
  fault_plan::counts_type faults{};
};

} // namespace weir::sim
