// Texts of weir, UTF-8, as the calls of Windows take them, and command lines as the C runtime of a child
// takes them apart (CommandLineToArgvW, Win32).
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace weir::windows_text {

/// UTF-16; what is no UTF-8 becomes U+FFFD.
std::wstring wide(std::string_view text);

/// Each quoted so that it arrives as it is.
std::wstring command_line(std::string_view program, const std::vector<std::string>& arguments);

/// "NAME=value", each closed by a zero, all by another.
std::wstring environment_block(const std::vector<std::string>& variables);

} // namespace weir::windows_text
