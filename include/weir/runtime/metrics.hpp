// metrics: what the loops of a process have counted and measured, as text: for Prometheus and as JSON.
//
// prometheus_text: the text exposition format 0.0.4: HELP and TYPE, counters that end in _total, base units
// (seconds, bytes), histograms with cumulative buckets. Every name begins with weir_; every series has the
// label `loop`. It reads what loops publish and asks none of them, so it never waits.
//
// metrics_json: the same counters by shorter names, percentiles in place of buckets, what each loop is doing
// now, its slowest handlers and, of those that answer within `patience`, connections by the bytes they hold.
// Units stand in the names. It is what `weir top` reads.
//
// Thread rule: any thread, except that metrics_json is not for the thread of a loop (metrics_registry.hpp).
// Errors: std::bad_alloc. Source: prometheus.io/docs/instrumenting/exposition_formats, RFC 8259.
#pragma once

#include <weir/runtime/metrics_registry.hpp>

#include <chrono>
#include <string>

namespace weir {

std::string prometheus_text(metrics_registry& loops = metrics_registry::of_process());

struct metrics_json_options {
  metrics_json_options() noexcept {}

  std::chrono::nanoseconds patience = std::chrono::milliseconds(200); ///< for loops to answer
  std::size_t connections_max = 20;                                   ///< listed, of each loop
};
std::string metrics_json(metrics_registry& loops = metrics_registry::of_process(),
                         const metrics_json_options& options = metrics_json_options());

} // namespace weir
