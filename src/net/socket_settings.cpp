#include "socket_settings.hpp"

#include <weir/io/platform/sockets.hpp>
#include <weir/io/system_calls.hpp>

#include <cerrno>

namespace weir {

result<void> apply(std::span<const socket_setting> settings, int socket) {
  for (const socket_setting& one : settings)
    if (one.is_wanted && calls().setsockopt(socket, one.level, one.name, &one.value, sizeof one.value) != 0)
      return fail(error::from_errno(errno, one.operation));
  return {};
}

} // namespace weir
