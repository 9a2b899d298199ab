// A world in which nothing goes wrong and nothing takes longer than it must.
#pragma once

#include <weir/sim/world.hpp>

namespace weir::sim::test {

inline world_options faultless() {
  world_options options;
  options.has_faults = false;
  return options;
}

} // namespace weir::sim::test
