// What a timeline shows of a run: which events get a mark, in which row, and which of them an arrow joins.
#pragma once

#include <weir/sim/trace.hpp>

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace weir::sim {

struct timeline_mark {
  trace_record record;
  std::size_t row;
};

/// From where bytes left to where they arrived. Bytes that never arrive have no end.
struct timeline_arrow {
  timeline_mark from;
  timeline_mark to; ///< as `from` where `has_arrived` is false
  bool has_arrived;
};

struct timeline_picture {
  std::vector<timeline_mark> marks;
  std::vector<timeline_arrow> arrows;
  std::vector<std::uint64_t> row_times_ns;
};

/// Of the last `events_max` events that can be drawn.
timeline_picture arrange_timeline(std::span<const trace_record> events, std::size_t events_max);

} // namespace weir::sim
