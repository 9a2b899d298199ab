// exhaustive: takes a scenario through every place of one kind, where seeds take it through some places of
// all kinds:
//   - fail_each: a run for each question that the world asks about faults; that one is answered by yes, all
//     others by no;
//   - cancel_each: a run for each suspension of a program; there all programs are asked to end, that one
//     first. They have to within the scenario's bound, and leave no descriptor, operation or frame;
//   - every_choice: all ways through what is drawn: whose turn it is, how long things take, what the scenario
//     draws, and the faults that `kinds` allows. Of a wide range only both ends are tried.
//
// A suspension is the end of a turn in which a program has not ended. Where the build has probability points
// (base/sim_point.hpp) a turn does one step of each phase, and so a program is stopped between any two.
//
// The ways double with every choice: every_choice tries all combinations of the first choice, then of the
// first two, and so on while runs are left; the choices behind those are the seed's. Places are tried in
// order, or spread evenly where there are more of them than runs. Thread rule: one thread. Bound: `runs_max`
// runs. Errors are reports, of the first run that fails.
#pragma once

#include <weir/sim/runner.hpp>

#include <cstdint>
#include <functional>
#include <optional>
#include <string>

namespace weir::sim {

struct exhaustive_options {
  exhaustive_options() noexcept {}

  run_options run; ///< `kinds`: about which it is asked
  std::uint64_t runs_max = 10'000;
  /// Before each run: what is tried, in the words of `exhaustive_report::place`.
  std::function<void(const std::string& place)> on_run;
};

struct exhaustive_report {
  bool passed() const noexcept { return !failed; }

  run_tally tally;
  /// Questions, or suspensions; of every_choice: so many choices were tried in all combinations.
  std::uint64_t places = 0;
  bool is_complete = false; ///< there are no others
  std::optional<run_report> failed;
  std::string place; ///< of it: "--fail-at 17", "--cancel-at 3", "--way 0,1,1"
};

exhaustive_report fail_each(const scenario& what, std::uint64_t seed,
                            const exhaustive_options& options = exhaustive_options());
exhaustive_report cancel_each(const scenario& what, std::uint64_t seed,
                              const exhaustive_options& options = exhaustive_options());
exhaustive_report every_choice(const scenario& what, std::uint64_t seed,
                               const exhaustive_options& options = exhaustive_options());

} // namespace weir::sim
