// What weir sim tells, as text and as JSON.
#pragma once

#include "sim_seeds.hpp"

#include <weir/sim/fault_plan.hpp>

#include <string>

namespace weir::app {

/// One scenario: how many seeds passed, how fast, the hash of all; of a failure the rule that was broken, how
/// to run it again, and the last events.
std::string sim_text(const sim_outcome& outcome, bool colour);

/// How often each kind of fault really happened; those that never did are marked.
std::string sim_coverage_text(const sim::fault_plan::counts_type& faults, bool colour);

/// The same, one JSON object on a line.
std::string sim_json(const sim_outcome& outcome);

} // namespace weir::app
