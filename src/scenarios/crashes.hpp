// For scenarios about what is left on a disk: crashes as often as such work takes, and lossy ones.
#pragma once

#include <weir/sim/misfortunes.hpp>
#include <weir/sim/world.hpp>

namespace weir::scenarios {

inline sim::misfortune_options crashes_often() {
  sim::misfortune_options options;
  options.pause_least_ns = 10'000;
  options.pause_most_ns = 40'000'000;
  options.down_most_ns = 100'000'000;
  return options;
}

/// What a seed brings of these at all it brings often: a run has few crashes, and each is to count.
inline void let_crashes_take_much(sim::world& in) {
  for (const sim::fault each : {sim::fault::host_crash, sim::fault::lost_write, sim::fault::torn_write})
    if (in.faults().per_million(each) != 0) in.faults().set(each, 600'000);
}

} // namespace weir::scenarios
