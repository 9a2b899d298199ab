#include <support/sockets.hpp>

namespace weir::test {

int bytes_on_their_way(int) {
  return 0;
}

} // namespace weir::test
