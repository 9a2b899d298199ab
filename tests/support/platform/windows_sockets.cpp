// Winsock tells nothing of what was sent.
#include <weir/io/system_calls.hpp>

#include <support/sockets.hpp>

namespace weir::test {
namespace {

/// Much more than the two sides of the system need to pass on what is on its way.
constexpr int settling_ms = 50;

} // namespace

bool is_quiet(int socket) {
  pollfd room{};
  room.fd = static_cast<decltype(room.fd)>(socket);
  room.events = POLLOUT;
  return calls().poll(&room, 1, settling_ms) == 0;
}

std::size_t undelivered_bytes(int) {
  return 0;
}

} // namespace weir::test
