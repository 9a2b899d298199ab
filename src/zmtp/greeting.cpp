#include <weir/zmtp/greeting.hpp>

#include <algorithm>

namespace weir::zmtp {
namespace {

constexpr std::size_t signature_end_offset = 9;
constexpr std::size_t version_major_offset = 10;
constexpr std::size_t version_minor_offset = 11;
constexpr std::size_t mechanism_offset = 12;
constexpr std::size_t mechanism_bytes = 20;

constexpr std::string_view own_mechanism = "NULL";

/// The padding of the signature ends with 1, so that a peer of ZMTP 1.0 takes it for the header of an
/// identity of no bytes; ZMTP 3 gives it no meaning.
constexpr auto own_greeting = [] {
  std::array<std::byte, greeting_bytes> bytes{};
  bytes[0] = std::byte{0xff};
  bytes[8] = std::byte{0x01};
  bytes[signature_end_offset] = std::byte{0x7f};
  bytes[version_major_offset] = std::byte{own_version.number_major};
  bytes[version_minor_offset] = std::byte{own_version.number_minor};
  std::ranges::transform(own_mechanism, bytes.begin() + mechanism_offset,
                         [](char letter) { return static_cast<std::byte>(letter); });
  return bytes;
}();

/// Why a peer with this mechanism cannot be talked to; null for ours.
const char* broken_mechanism_rule(std::string_view field, std::string_view name) noexcept {
  if (field.find_first_not_of('\0', name.size()) != std::string_view::npos)
    return "greeting: mechanism not padded with nulls";
  if (name == own_mechanism) return nullptr;
  if (name == "PLAIN") return "greeting: mechanism is PLAIN, not NULL";
  if (name == "CURVE") return "greeting: mechanism is CURVE, not NULL";
  if (name == "GSSAPI") return "greeting: mechanism is GSSAPI, not NULL";
  return "greeting: mechanism is not NULL";
}

} // namespace

std::span<const std::byte, signature_bytes> own_signature() noexcept {
  return std::span(own_greeting).first<signature_bytes>();
}

std::span<const std::byte, greeting_bytes - signature_bytes> own_greeting_rest() noexcept {
  return std::span(own_greeting).last<greeting_bytes - signature_bytes>();
}

result<std::size_t> greeting_parser::feed(std::span<const std::byte> bytes) noexcept {
  const std::size_t taken = std::min(bytes.size(), greeting_bytes - received_bytes_);
  std::ranges::copy(bytes.first(taken), greeting_.begin() + static_cast<std::ptrdiff_t>(received_bytes_));
  received_bytes_ += taken;
  if (const char* rule = broken_rule()) return fail(errc::protocol, rule);
  return taken;
}

const char* greeting_parser::broken_rule() const noexcept {
  if (received_bytes_ > 0 && octet(0) != 0xff) return "greeting: does not begin with FF, not ZMTP 2 or later";
  if (received_bytes_ > signature_end_offset && (octet(signature_end_offset) & 1) == 0)
    return "greeting: signature does not end with 7F, not ZMTP 2 or later";
  if (received_bytes_ > version_major_offset && octet(version_major_offset) < own_version.number_major)
    return "greeting: version is older than ZMTP 3.0";
  if (received_bytes_ < mechanism_offset + mechanism_bytes) return nullptr;
  const auto* field = reinterpret_cast<const char*>(greeting_.data() + mechanism_offset);
  return broken_mechanism_rule({field, mechanism_bytes}, peer_mechanism());
}

protocol_version greeting_parser::peer_version() const noexcept {
  return {octet(version_major_offset), octet(version_minor_offset)};
}

protocol_version greeting_parser::agreed_version() const noexcept {
  return std::min(peer_version(), own_version);
}

std::string_view greeting_parser::peer_mechanism() const noexcept {
  if (received_bytes_ < mechanism_offset + mechanism_bytes) return {};
  const std::string_view field(reinterpret_cast<const char*>(greeting_.data() + mechanism_offset),
                               mechanism_bytes);
  return field.substr(0, field.find('\0'));
}

} // namespace weir::zmtp
