#include <weir/io/system_calls.hpp>

#include <linux/sockios.h>
#include <support/sockets.hpp>
#include <sys/ioctl.h>

#include <cerrno>
#include <system_error>

namespace weir::test {

/// Sent and not acknowledged (tcp(7)). Other sockets have no such thing.
int bytes_on_their_way(int socket) {
  int unacknowledged = 0;
  int unsent = 0;
  if (::ioctl(socket, SIOCOUTQNSD, &unsent) != 0 || ::ioctl(socket, SIOCOUTQ, &unacknowledged) != 0) return 0;
  return unacknowledged - unsent;
}

std::size_t undelivered_bytes(int socket) {
  int count = 0;
  if (calls().ioctl(socket, SIOCOUTQ, &count) != 0)
    throw std::system_error(errno, std::system_category(), "SIOCOUTQ");
  return static_cast<std::size_t>(count);
}

} // namespace weir::test
