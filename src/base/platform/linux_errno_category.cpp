#include <weir/base/platform/errno_category.hpp>

namespace weir::platform {

const std::error_category& errno_category() noexcept {
  return std::system_category();
}

} // namespace weir::platform
