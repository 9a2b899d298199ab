// Winsock tells of neither.
#include <support/sockets.hpp>

namespace weir::test {

int bytes_on_their_way(int) {
  return 0;
}

std::size_t undelivered_bytes(int) {
  return 0;
}

} // namespace weir::test
