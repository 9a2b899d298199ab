// shrink: a smaller run of a seed that still fails: fewer kinds of fault, then fewer faults, then a shorter
// safety phase. What is left is what the failure needs, and short enough to read.
//
// Any failure counts, not only the first one's: a different bug that needs less is welcome too. Greedy, so
// small but not always smallest. Bound: `runs_max` runs.
#pragma once

#include <weir/sim/runner.hpp>

namespace weir::sim {

struct shrunk_run {
  run_options options; ///< that make it small; `all_events` is null
  run_report report;   ///< of the smallest run that failed
  unsigned runs = 0;   ///< it took so many to find
};

/// `failed`: a report of that seed with all faults.
shrunk_run shrink(const scenario& what, const run_report& failed, unsigned runs_max = 200);

} // namespace weir::sim
