// The environment variables that systemd speaks through.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace weir {

/// Its value, and then it is gone.
std::optional<std::string> take_environment(const char* name);

/// Decimal digits and nothing else.
std::optional<std::uint64_t> parse_number(std::string_view text) noexcept;

} // namespace weir
