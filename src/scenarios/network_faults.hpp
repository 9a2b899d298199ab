// For scenarios whose rules are stricter for as long as nothing breaks connections.
#pragma once

#include <weir/sim/fault_plan.hpp>
#include <weir/sim/world.hpp>

#include <algorithm>
#include <array>

namespace weir::scenarios {

/// Whether all connections so far have held, and nobody had a reason to become impatient.
inline bool have_connections_held(sim::world& in) {
  using enum sim::fault;
  constexpr std::array breaking{reset,      half_close, connection_refused, backlog_full,
                                black_hole, partition,  no_buffers,         stall};
  return std::ranges::all_of(breaking, [&](sim::fault each) { return in.faults().count(each) == 0; });
}

} // namespace weir::scenarios
