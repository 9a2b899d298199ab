#include <linux/sockios.h>
#include <support/sockets.hpp>
#include <sys/ioctl.h>

namespace weir::test {

/// Sent and not acknowledged (tcp(7)). Other sockets have no such thing.
int bytes_on_their_way(int socket) {
  int unacknowledged = 0;
  int unsent = 0;
  if (::ioctl(socket, SIOCOUTQNSD, &unsent) != 0 || ::ioctl(socket, SIOCOUTQ, &unacknowledged) != 0) return 0;
  return unacknowledged - unsent;
}

} // namespace weir::test
