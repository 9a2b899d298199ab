// The version of the command: that of the project in CMakeLists.txt (a test compares them).
#pragma once

#include <string_view>

namespace weir::app {

inline constexpr std::string_view version = "0.1.0";

} // namespace weir::app
