// timeline: what happened in a run as a picture (SVG) that a person can read: a lane for each host, time
// going down, what was sent as arrows from lane to lane, faults as red marks where they struck.
//
// Rows stand for moments, not for time: between two of them may lie a microsecond or a minute, and the labels
// at the left tell. Bound: the last `timeline_options::events_max` events that can be drawn. Errors:
// std::bad_alloc.
#pragma once

#include <weir/sim/runner.hpp>

#include <cstddef>
#include <span>
#include <string>
#include <string_view>

namespace weir::sim {

struct timeline_options {
  timeline_options() noexcept {}

  std::size_t events_max = 400;
};

/// `events`: of the run that `report` is of, in their order (`run_options::all_events`). `title`: its first
/// line.
std::string timeline_svg(std::string_view title, const run_report& report,
                         std::span<const trace_record> events,
                         const timeline_options& options = timeline_options());

} // namespace weir::sim
