#include "windows_text.hpp"

#include <weir/io/platform/sockets.hpp>

namespace weir::windows_text {
namespace {

/// Backslashes are themselves, but before a quotation mark: there each counts half, and an odd one makes the
/// mark itself.
void append_quoted(std::wstring& line, std::wstring_view argument) {
  if (!argument.empty() && argument.find_first_of(L" \t\n\v\"") == std::wstring_view::npos) {
    line += argument;
    return;
  }
  line += L'"';
  std::size_t backslashes = 0;
  for (const wchar_t each : argument) {
    if (each == L'"') line.append(backslashes + 1, L'\\');
    backslashes = each == L'\\' ? backslashes + 1 : 0;
    line += each;
  }
  line.append(backslashes, L'\\'); // the closing mark follows
  line += L'"';
}

} // namespace

std::wstring wide(std::string_view text) {
  const int bytes = static_cast<int>(text.size());
  const int units = ::MultiByteToWideChar(CP_UTF8, 0, text.data(), bytes, nullptr, 0);
  std::wstring made(static_cast<std::size_t>(units), L'\0');
  ::MultiByteToWideChar(CP_UTF8, 0, text.data(), bytes, made.data(), units);
  return made;
}

std::wstring command_line(std::string_view program, const std::vector<std::string>& arguments) {
  std::wstring line = L'"' + wide(program) + L'"'; // of the first, backslashes are always themselves
  for (const std::string& each : arguments) {
    line += L' ';
    append_quoted(line, wide(each));
  }
  return line;
}

std::wstring environment_block(const std::vector<std::string>& variables) {
  std::wstring block;
  for (const std::string& each : variables) {
    block += wide(each);
    block += L'\0';
  }
  if (block.empty()) block += L'\0';
  block += L'\0';
  return block;
}

} // namespace weir::windows_text
