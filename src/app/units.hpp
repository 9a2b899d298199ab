// Sizes, counts and times as people write and read them.
#pragma once

#include <weir/base/result.hpp>

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>

namespace weir::app {

/// "1,234,567"
std::string format_count(std::uint64_t count);
/// "0 B", "64 MiB", "1.5 KiB": whole where it is whole, else to one decimal.
std::string format_bytes(std::uint64_t bytes);
/// "10 ms", "5 s", "1500 ns": in the largest unit in which it is whole.
std::string format_duration(std::chrono::nanoseconds duration);

/// What parsing an argument fails with: the rule that its text breaks.
std::unexpected<error> refused(const char* rule, std::string_view text);

/// "65536", "64K", "64KiB", "8M", "1GiB": powers of 1024, in either case. Errors name the text.
result<std::uint64_t> parse_bytes(std::string_view text);
/// "500ms", "5s", "2m", "1h"; a number without a unit is seconds. Errors name the text.
result<std::chrono::milliseconds> parse_duration(std::string_view text);

} // namespace weir::app
