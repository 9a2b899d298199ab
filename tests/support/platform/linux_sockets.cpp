#include <weir/io/system_calls.hpp>

#include <linux/sockios.h>
#include <support/sockets.hpp>
#include <sys/ioctl.h>

#include <cerrno>
#include <system_error>

namespace weir::test {

/// What was sent is acknowledged (tcp(7)). On other sockets nothing is ever on its way.
bool is_quiet(int socket) {
  int unacknowledged = 0;
  int unsent = 0;
  if (::ioctl(socket, SIOCOUTQNSD, &unsent) != 0 || ::ioctl(socket, SIOCOUTQ, &unacknowledged) != 0)
    return true;
  return unacknowledged == unsent;
}

std::size_t undelivered_bytes(int socket) {
  int count = 0;
  if (calls().ioctl(socket, SIOCOUTQ, &count) != 0)
    throw std::system_error(errno, std::system_category(), "SIOCOUTQ");
  return static_cast<std::size_t>(count);
}

} // namespace weir::test
