#include "machine.hpp"

#include <sched.h>
#include <sys/resource.h>
#include <sys/utsname.h>
#include <unistd.h>

#include <cstdio>
#include <fstream>

namespace weir::app {
namespace {

std::optional<std::string> first_line_of(const char* path) {
  std::ifstream file(path);
  std::string line;
  if (!std::getline(file, line)) return std::nullopt;
  return line;
}

std::optional<std::uint64_t> bound_of(rlim_t value) {
  if (value == RLIM_INFINITY) return std::nullopt;
  return value;
}

template <class Resource>
process_limit limit_of(Resource which) {
  rlimit limit{};
  ::getrlimit(which, &limit);
  return {bound_of(limit.rlim_cur), bound_of(limit.rlim_max)};
}

unsigned count_cpus_usable() {
  cpu_set_t usable;
  CPU_ZERO(&usable);
  if (::sched_getaffinity(0, sizeof usable, &usable) != 0) return 0;
  return static_cast<unsigned>(CPU_COUNT(&usable));
}

} // namespace

kernel_version parse_kernel_release(const std::string& release) {
  kernel_version kernel;
  if (std::sscanf(release.c_str(), "%u.%u", &kernel.major_number, &kernel.minor_number) != 2) return {};
  return kernel;
}

machine this_machine() {
  machine found;
  utsname names{};
  ::uname(&names);
  found.system = names.sysname;
  found.release = names.release;
  found.kernel = parse_kernel_release(found.release);
  found.cpus_usable = count_cpus_usable();
  found.cpus_online = static_cast<unsigned>(::sysconf(_SC_NPROCESSORS_ONLN));
  found.open_files = limit_of(RLIMIT_NOFILE);
  found.locked_memory_bytes = limit_of(RLIMIT_MEMLOCK);
  found.listen_backlog_max = first_line_of("/proc/sys/net/core/somaxconn");
  found.congestion_control = first_line_of("/proc/sys/net/ipv4/tcp_congestion_control");
  found.io_uring_disabled = first_line_of("/proc/sys/kernel/io_uring_disabled");
  return found;
}

} // namespace weir::app
