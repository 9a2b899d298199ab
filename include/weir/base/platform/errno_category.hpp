// The category of errno values: of what system calls of POSIX report, on every system.
#pragma once

#include <system_error>

namespace weir::platform {

const std::error_category& errno_category() noexcept;

} // namespace weir::platform
