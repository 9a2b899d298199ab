// measurements: the histograms of one loop, and what it is doing now. Recorded by the loop's thread, read by
// any without locks (histogram.hpp). About 165 KiB a loop.
//
// What costs no reading of the clock is always recorded. What does is recorded with
// `loop_options::measure_handlers`: a reading, about 25 ns, a handler and a phase.
#pragma once

#include <weir/base/histogram.hpp>
#include <weir/io/current_handler.hpp>
#include <weir/io/operation.hpp>
#include <weir/io/slow_handlers.hpp>

#include <array>
#include <cstddef>

namespace weir {

struct measurements {
  // Always.
  histogram lag_ns; ///< how late the loop came to what was to happen at a certain time (loop lag)
  histogram batch;  ///< completions handled in a turn, of turns with any
  /// From start to final completion, in loop time, which goes on by turns.
  std::array<histogram, operation_kind_count> latency_ns;
  current_handler_cell now;

  // With loop_options::measure_handlers.
  std::array<histogram, operation_kind_count> handler_ns; ///< of completions, by the kind of the operation
  std::array<histogram, loop_phase_count> phase_ns;       ///< of phases in which there was something to do
  slow_handlers slowest;

  const histogram& latency_of(operation_kind kind) const noexcept {
    return latency_ns[static_cast<std::size_t>(kind)];
  }
  const histogram& handlers_of(operation_kind kind) const noexcept {
    return handler_ns[static_cast<std::size_t>(kind)];
  }
  const histogram& durations_of(loop_phase phase) const noexcept {
    return phase_ns[static_cast<std::size_t>(phase)];
  }
};

} // namespace weir
