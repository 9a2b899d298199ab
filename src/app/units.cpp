#include "units.hpp"

#include <fmt/format.h>

#include <array>
#include <cctype>
#include <charconv>
#include <cstddef>
#include <limits>
#include <optional>

namespace weir::app {
namespace {

struct unit {
  std::string_view name;
  std::uint64_t factor;
};

constexpr std::array<unit, 5> byte_units = {{{"TiB", std::uint64_t{1} << 40},
                                             {"GiB", std::uint64_t{1} << 30},
                                             {"MiB", std::uint64_t{1} << 20},
                                             {"KiB", std::uint64_t{1} << 10},
                                             {"B", 1}}};
constexpr std::array<unit, 6> time_units_ns = {{{"h", 3'600'000'000'000},
                                                {"m", 60'000'000'000},
                                                {"s", 1'000'000'000},
                                                {"ms", 1'000'000},
                                                {"us", 1'000},
                                                {"ns", 1}}};

struct quantity {
  std::uint64_t number;
  std::string unit; ///< what stands behind the digits, in lower case
};

std::optional<quantity> take_apart(std::string_view text) {
  quantity parts{};
  const char* const end = text.data() + text.size();
  const auto [rest, failure] = std::from_chars(text.data(), end, parts.number);
  if (failure != std::errc{}) return std::nullopt;
  for (const char* at = rest; at != end; ++at)
    parts.unit += static_cast<char>(std::tolower(static_cast<unsigned char>(*at)));
  return parts;
}

std::optional<std::uint64_t> multiplied(std::uint64_t number, std::uint64_t factor, std::uint64_t most) {
  if (number > most / factor) return std::nullopt;
  return number * factor;
}

/// "k" and "kb" mean the same as "kib" here: memory comes in powers of two.
std::optional<std::uint64_t> byte_factor(const std::string& name) {
  if (name.empty()) return 1;
  for (const unit& each : byte_units) {
    const char letter = static_cast<char>(std::tolower(static_cast<unsigned char>(each.name.front())));
    const std::string shortest(1, letter);
    if (name == shortest) return each.factor;
    if (each.factor > 1 && (name == shortest + "b" || name == shortest + "ib")) return each.factor;
  }
  return std::nullopt;
}

std::optional<std::uint64_t> milliseconds_factor(std::string_view name) {
  if (name.empty()) name = "s";
  for (const unit& each : time_units_ns)
    if (name == each.name && each.factor >= 1'000'000) return each.factor / 1'000'000;
  return std::nullopt;
}

} // namespace

std::unexpected<error> refused(const char* rule, std::string_view text) {
  return fail(error(errc::invalid_argument, rule).at("'" + std::string(text) + "'"));
}

std::string format_count(std::uint64_t count) {
  std::string digits = std::to_string(count);
  for (std::size_t at = digits.size(); at > 3;) digits.insert(at -= 3, ",");
  return digits;
}

std::string format_bytes(std::uint64_t bytes) {
  for (const unit& each : byte_units) {
    if (bytes < each.factor) continue;
    if (bytes % each.factor == 0) return fmt::format("{} {}", bytes / each.factor, each.name);
    return fmt::format("{:.1f} {}", static_cast<double>(bytes) / static_cast<double>(each.factor), each.name);
  }
  return "0 B";
}

std::string format_duration(std::chrono::nanoseconds duration) {
  const auto ns = static_cast<std::uint64_t>(duration.count());
  for (const unit& each : time_units_ns)
    if (ns >= each.factor && ns % each.factor == 0) return fmt::format("{} {}", ns / each.factor, each.name);
  return "0 s";
}

result<std::uint64_t> parse_bytes(std::string_view text) {
  constexpr const char* rule = "a size is a number and B, K, M, G or T, not";
  const auto parts = take_apart(text);
  const auto factor = parts ? byte_factor(parts->unit) : std::nullopt;
  if (!factor) return refused(rule, text);
  const auto bytes = multiplied(parts->number, *factor, std::numeric_limits<std::uint64_t>::max());
  if (!bytes) return refused("a size that no machine has:", text);
  return *bytes;
}

result<std::chrono::milliseconds> parse_duration(std::string_view text) {
  constexpr std::uint64_t longest_ms = 1'000ull * 3600 * 24 * 365;
  const auto parts = take_apart(text);
  const auto factor = parts ? milliseconds_factor(parts->unit) : std::nullopt;
  if (!factor) return refused("a time is a number and ms, s, m or h, not", text);
  const auto ms = multiplied(parts->number, *factor, longest_ms);
  if (!ms) return refused("a time of more than a year:", text);
  return std::chrono::milliseconds(*ms);
}

} // namespace weir::app
