// worker_event: what a master has to tell of its workers, for a log. Thread rule: a value.
#pragma once

#include <weir/base/error.hpp>
#include <weir/os/exit_status.hpp>

#include <sys/types.h>

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace weir {

enum class worker_event_kind : std::uint8_t {
  started,       ///< the process runs
  ready,         ///< it serves
  draining,      ///< it accepts no more
  ended,         ///< as it was asked to
  failed,        ///< it ended unasked, or did not start: `end` or `why` tells how
  overdue,       ///< it is killed: not ready, silent, or draining for too long, as `why` says
  replaced_soon, ///< after `delay`
  reload_began,
  reloaded,      ///< the new workers serve, the old ones drain
  reload_failed, ///< `why`; the old workers go on
  gave_up,       ///< `why`: the workers that are left drain, and the master ends
  manager_lost,  ///< `why`: the service manager could not be told something
};
std::string_view name_of(worker_event_kind kind) noexcept;

struct worker_event {
  explicit worker_event(worker_event_kind what) noexcept : kind(what) {}

  worker_event_kind kind;
  unsigned worker = 0; ///< its number
  pid_t process = 0;   ///< 0: there is none
  std::optional<exit_status> end;
  std::optional<error> why;
  std::chrono::nanoseconds delay{0};

  /// "worker 2 (4711) failed: killed by SIGSEGV, core dumped"
  std::string to_string() const;
};

/// A line on standard error.
void report_worker_event(const worker_event& what) noexcept;

} // namespace weir
