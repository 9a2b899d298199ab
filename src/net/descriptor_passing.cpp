#include "descriptor_passing.hpp"

#include <weir/io/system_calls.hpp>

#include <cerrno>

namespace weir {

std::optional<peer_credentials> read_credentials(std::span<const std::byte> control) noexcept {
  std::optional<peer_credentials> told;
  for_each_control_item(control, [&](int level, int type, std::span<const std::byte> value) {
    if (level != SOL_SOCKET || type != SCM_CREDENTIALS) return;
    const auto raw = value_of<ucred>(value);
    told = peer_credentials{raw.pid, raw.uid, raw.gid};
  });
  return told;
}

result<void> ask_for_credentials(int socket) noexcept {
  const int on = 1;
  if (calls().setsockopt(socket, SOL_SOCKET, SO_PASSCRED, &on, sizeof on) != 0)
    return fail(error::from_errno(errno, "SO_PASSCRED"));
  return {};
}

} // namespace weir
