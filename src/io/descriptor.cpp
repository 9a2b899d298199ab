#include <weir/io/descriptor.hpp>
#include <weir/io/system_calls.hpp>

namespace weir {

void descriptor::reset() noexcept {
  // Not retried at EINTR: on Linux the descriptor is gone in any case (close(2)).
  if (number_ >= 0) calls().close(std::exchange(number_, -1));
}

} // namespace weir
