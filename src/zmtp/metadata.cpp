#include <weir/zmtp/big_endian.hpp>
#include <weir/zmtp/metadata.hpp>

#include <algorithm>
#include <cstdint>

namespace weir::zmtp {
namespace {

constexpr char lower(char letter) noexcept {
  return letter >= 'A' && letter <= 'Z' ? static_cast<char>(letter - 'A' + 'a') : letter;
}

constexpr bool is_name_char(char letter) noexcept {
  const char small = lower(letter);
  return (small >= 'a' && small <= 'z') || (letter >= '0' && letter <= '9') || letter == '-' ||
         letter == '_' || letter == '.' || letter == '+';
}

/// Moves the first property of `rest` to `out`; returns the broken rule, or null.
const char* split_front(std::span<const std::byte>& rest, property& out) noexcept {
  const auto name_bytes = std::to_integer<std::size_t>(rest[0]);
  if (name_bytes == 0) return "READY: property without a name";
  if (rest.size() < property_bytes(name_bytes, 0)) return "READY: property runs past the end";
  out.name = {reinterpret_cast<const char*>(rest.data() + 1), name_bytes};
  if (!std::ranges::all_of(out.name, is_name_char)) return "READY: property name with a forbidden character";

  const std::size_t value_bytes = load_big_endian<std::uint32_t>(rest.data() + 1 + name_bytes);
  rest = rest.subspan(property_bytes(name_bytes, 0));
  if (rest.size() < value_bytes) return "READY: property value runs past the end";
  out.value = rest.first(value_bytes);
  rest = rest.subspan(value_bytes);
  return nullptr;
}

} // namespace

bool same_property_name(std::string_view one, std::string_view other) noexcept {
  return std::ranges::equal(one, other, {}, lower, lower);
}

result<metadata> metadata::parse(std::span<const std::byte> bytes) noexcept {
  property each;
  for (auto rest = bytes; !rest.empty();)
    if (const char* rule = split_front(rest, each)) return fail(errc::protocol, rule);
  return metadata(bytes);
}

metadata::iterator& metadata::iterator::operator++() noexcept {
  at_end_ = rest_.empty();
  if (!at_end_) split_front(rest_, current_);
  return *this;
}

std::optional<std::span<const std::byte>> metadata::find(std::string_view name) const noexcept {
  for (const property& each : *this)
    if (same_property_name(each.name, name)) return each.value;
  return std::nullopt;
}

} // namespace weir::zmtp
