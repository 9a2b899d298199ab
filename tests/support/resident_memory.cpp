#include <support/resident_memory.hpp>

#include <fstream>
#include <limits>
#include <stdexcept>
#include <string>

namespace weir::test {
namespace {

/// A line of proc_pid_status(5), in bytes.
std::size_t status_bytes(const std::string& wanted) {
  std::ifstream status("/proc/self/status");
  for (std::string name; status >> name;) {
    std::size_t kib = 0;
    if (name == wanted && status >> kib) return kib << 10;
    status.ignore(std::numeric_limits<std::streamsize>::max(), '\n');
  }
  throw std::runtime_error("no " + wanted + " in /proc/self/status");
}

} // namespace

std::size_t resident_bytes() {
  return status_bytes("VmRSS:");
}

std::size_t resident_peak_bytes() {
  return status_bytes("VmHWM:");
}

void forget_resident_peak() {
  std::ofstream("/proc/self/clear_refs") << "5"; // proc_pid_clear_refs(5)
}

} // namespace weir::test
