// machine: what the system says of itself, as far as it matters to weir. Nothing here depends on weir's
// backends. What cannot be read is absent.
#pragma once

#include <compare>
#include <cstdint>
#include <optional>
#include <string>

namespace weir::app {

struct kernel_version {
  unsigned major_number = 0;
  unsigned minor_number = 0;

  friend auto operator<=>(const kernel_version&, const kernel_version&) = default;
};

/// A bound of the process (getrlimit(2)); nothing: unlimited.
struct process_limit {
  std::optional<std::uint64_t> soft;
  std::optional<std::uint64_t> hard;
};

struct machine {
  std::string system;  ///< "Linux"
  std::string release; ///< "6.1.0-18-amd64"
  kernel_version kernel;
  unsigned cpus_usable = 0; ///< by this process (sched_getaffinity(2))
  unsigned cpus_online = 0;
  process_limit open_files;                      ///< RLIMIT_NOFILE
  process_limit locked_memory_bytes;             ///< RLIMIT_MEMLOCK
  std::optional<std::string> listen_backlog_max; ///< net.core.somaxconn
  std::optional<std::string> congestion_control; ///< net.ipv4.tcp_congestion_control
  std::optional<std::string> io_uring_disabled;  ///< kernel.io_uring_disabled: 0 for nobody, 1, 2 for all
};

machine this_machine();

/// "6.1.0-18-amd64" is {6, 1}; {0, 0} where the text is none of a kernel.
kernel_version parse_kernel_release(const std::string& release);

} // namespace weir::app
