// For scenarios whose rules are stricter for as long as nothing breaks connections.
#pragma once

#include <weir/sim/fault_plan.hpp>
#include <weir/sim/world.hpp>

#include <algorithm>
#include <initializer_list>

namespace weir::scenarios {

inline bool has_none_happened(sim::world& in, std::initializer_list<sim::fault> kinds) {
  return std::ranges::all_of(kinds, [&](sim::fault each) { return in.faults().count(each) == 0; });
}

/// Whether all connections so far have held, and nobody had a reason to become impatient.
inline bool have_connections_held(sim::world& in) {
  using enum sim::fault;
  return has_none_happened(
      in, {reset, half_close, connection_refused, backlog_full, black_hole, partition, no_buffers, stall});
}

} // namespace weir::scenarios
