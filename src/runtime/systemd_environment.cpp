#include "systemd_environment.hpp"

#include <charconv>
#include <cstdlib>
#include <system_error>

namespace weir {

std::optional<std::string> take_environment(const char* name) {
  const char* const found = std::getenv(name);
  if (!found) return std::nullopt;
  std::string value = found;
  ::unsetenv(name);
  return value;
}

std::optional<std::uint64_t> parse_number(std::string_view text) noexcept {
  std::uint64_t number = 0;
  const auto [end, refused] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (refused != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return number;
}

} // namespace weir
