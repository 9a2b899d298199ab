// disk_file: a file or directory of the disk behind a descriptor.
#pragma once

#include <weir/sim/disk.hpp>
#include <weir/sim/file.hpp>

#include <poll.h>

#include <utility>

namespace weir::sim {

class disk_file final : public file {
 public:
  disk_file(disk::handle what, int flags) noexcept : opened(std::move(what)) { status_flags = flags; }

  /// Always ready (poll(2)).
  std::uint32_t readiness() const noexcept override { return POLLIN | POLLOUT; }

  const disk::handle opened;
};

} // namespace weir::sim
