#include <weir/io/descriptor.hpp>

#include <unistd.h>

namespace weir {

void descriptor::reset() noexcept {
  // Not retried at EINTR: on Linux the descriptor is gone in any case (close(2)).
  if (number_ >= 0) ::close(std::exchange(number_, -1));
}

} // namespace weir
