#include <weir/sim/file.hpp>

#include <poll.h>

namespace weir::sim {

std::uint32_t null_device::readiness() const noexcept {
  return POLLIN | POLLOUT;
}

} // namespace weir::sim
