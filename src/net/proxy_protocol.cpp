#include "proxy_format.hpp"

#include <weir/io/platform/sockets.hpp>
#include <weir/net/proxy_protocol.hpp>

#include <algorithm>
#include <array>
#include <charconv>
#include <cstring>

namespace weir {
namespace {

using namespace proxy_format;

constexpr std::size_t v1_bytes_min = std::string_view("PROXY UNKNOWN\r\n").size();

std::unexpected<error> broken(const char* rule) {
  return fail(errc::protocol, rule);
}

/// Whether the two agree as far as the shorter one goes.
bool may_become(std::string_view text, std::string_view whole) noexcept {
  const std::size_t common = std::min(text.size(), whole.size());
  return text.substr(0, common) == whole.substr(0, common);
}

/// Decimal, without sign or leading zero.
std::optional<std::uint16_t> port_of(std::string_view digits) noexcept {
  std::uint16_t port = 0;
  const auto [end, failure] = std::from_chars(digits.data(), digits.data() + digits.size(), port);
  const bool is_canonical = digits.size() == 1 || !digits.starts_with('0');
  if (failure != std::errc{} || end != digits.data() + digits.size() || !is_canonical) return std::nullopt;
  return port;
}

address inet_at(std::string_view block, std::size_t address_at, std::size_t port_at) noexcept {
  sockaddr_in raw{};
  raw.sin_family = AF_INET;
  std::memcpy(&raw.sin_addr, block.data() + address_at, sizeof raw.sin_addr);
  std::memcpy(&raw.sin_port, block.data() + port_at, sizeof raw.sin_port);
  return {reinterpret_cast<const sockaddr*>(&raw), sizeof raw};
}

address inet6_at(std::string_view block, std::size_t address_at, std::size_t port_at) noexcept {
  sockaddr_in6 raw{};
  raw.sin6_family = AF_INET6;
  std::memcpy(&raw.sin6_addr, block.data() + address_at, sizeof raw.sin6_addr);
  std::memcpy(&raw.sin6_port, block.data() + port_at, sizeof raw.sin6_port);
  return {reinterpret_cast<const sockaddr*>(&raw), sizeof raw};
}

/// A path, or an abstract name behind a null; none when unnamed or too long for an address.
std::optional<address> unix_at(std::string_view block, std::size_t at) {
  const std::string_view field = block.substr(at, unix_path_bytes);
  const bool is_abstract = field.starts_with('\0');
  const std::string_view text = field.substr(is_abstract ? 1 : 0);
  const std::string_view name = text.substr(0, text.find('\0'));
  result<address> made = is_abstract ? address::unix_abstract(name) : address::unix_path(name);
  if (!made) return std::nullopt;
  return *made;
}

std::size_t address_bytes_of(std::uint8_t family) noexcept {
  constexpr std::array<std::size_t, 4> bytes{0, inet_bytes, inet6_bytes, unix_bytes};
  return bytes[family];
}

} // namespace

std::optional<std::string_view> proxy_header::tlv(std::uint8_t type) const noexcept {
  const auto found = std::ranges::find(tlvs, type, &proxy_tlv::type);
  if (found == tlvs.end()) return std::nullopt;
  return std::string_view(found->value);
}

// --- taking bytes ---

std::size_t proxy_header_parser::v2_bytes() const noexcept {
  return text_.size() < v2_fixed_bytes ? v2_fixed_bytes : v2_fixed_bytes + u16_at(text_, 14);
}

std::size_t proxy_header_parser::wanted_bytes() const noexcept {
  if (is_complete_) return 0;
  if (text_.empty()) return v1_bytes_min;
  if (!is_v1()) return v2_bytes() - text_.size();
  if (text_.size() < v1_bytes_min) return v1_bytes_min - text_.size();
  return text_.back() == '\r' ? 1 : 2; // the shortest that may come: the end of the line
}

result<std::size_t> proxy_header_parser::feed(std::span<const std::byte> bytes) {
  std::size_t taken = 0;
  while (!is_complete_ && taken < bytes.size()) {
    const std::size_t count = std::min(wanted_bytes(), bytes.size() - taken);
    text_.append(reinterpret_cast<const char*>(bytes.data()) + taken, count);
    taken += count;
    if (result<> right = look(); !right) return fail(std::move(right).error());
  }
  return taken;
}

result<> proxy_header_parser::look() {
  if (may_become(text_, v1_start)) return look_at_v1();
  if (may_become(text_, v2_signature)) return look_at_v2();
  return broken("PROXY protocol: neither version begins so");
}

result<> proxy_header_parser::look_at_v1() {
  const std::size_t end = text_.find_first_of("\r\n");
  if (end == std::string::npos) {
    if (text_.size() + 2 > proxy_v1_bytes_max) return broken("PROXY v1: a line longer than 107 bytes");
    return {};
  }
  if (end + 2 > proxy_v1_bytes_max) return broken("PROXY v1: a line longer than 107 bytes");
  if (text_[end] == '\n') return broken("PROXY v1: a line that does not end with CR LF");
  if (end + 1 == text_.size()) return {};
  if (text_[end + 1] != '\n') return broken("PROXY v1: CR within the line");
  return parse_v1(std::string_view(text_).substr(0, end));
}

result<> proxy_header_parser::look_at_v2() {
  if (text_.size() < v2_fixed_bytes) return {};
  if (v2_bytes() > bytes_max_) return fail(errc::limit_reached, "PROXY v2: a header longer than allowed");
  if (text_.size() < v2_bytes()) return {};
  return parse_v2(text_);
}

// --- version 1 ---

result<> proxy_header_parser::parse_v1(std::string_view line) {
  header_.version = 1;
  line.remove_prefix(v1_start.size());
  if (line == "UNKNOWN" || line.starts_with("UNKNOWN ")) {
    is_complete_ = true;
    return {};
  }
  std::array<std::string_view, 5> words; // family, addresses, ports
  for (std::size_t i = 0; i < words.size(); ++i) {
    const std::size_t space = line.find(' ');
    const bool is_last = i + 1 == words.size();
    if (is_last != (space == std::string_view::npos))
      return broken("PROXY v1: not six words with one space between");
    words[i] = line.substr(0, space);
    line.remove_prefix(is_last ? line.size() : space + 1);
  }
  if (words[0] != "TCP4" && words[0] != "TCP6") return broken("PROXY v1: neither TCP4, TCP6 nor UNKNOWN");
  const int family = words[0] == "TCP4" ? AF_INET : AF_INET6;
  for (const std::size_t i : {std::size_t{1}, std::size_t{2}}) {
    const auto port = port_of(words[i + 2]);
    if (!port) return broken("PROXY v1: not a port");
    const result<address> of = address::ip(words[i], *port);
    if (!of || words[i] == "*" || of->family() != family)
      return broken("PROXY v1: not an address of its family");
    (i == 1 ? header_.source : header_.destination) = *of;
  }
  is_complete_ = true;
  return {};
}

// --- version 2 ---

result<> proxy_header_parser::parse_v2(std::string_view block) {
  header_.version = 2;
  const std::uint8_t version_and_command = byte_at(block, 12);
  const auto family = static_cast<std::uint8_t>(byte_at(block, 13) >> 4);
  const auto transport = static_cast<std::uint8_t>(byte_at(block, 13) & 0xf);
  if (version_and_command >> 4 != 2) return broken("PROXY v2: another version");
  if ((version_and_command & 0xf) > 1) return broken("PROXY v2: an unknown command");

  header_.is_local = (version_and_command & 0xf) == 0;
  if (header_.is_local) { // whatever else it says is to be ignored
    is_complete_ = true;
    return {};
  }
  const bool is_unspecified = family == family_unspecified && transport == transport_unspecified;
  const bool is_specified = family >= family_inet && family <= family_unix &&
                            (transport == transport_stream || transport == transport_datagram);
  if (!is_unspecified && !is_specified) return broken("PROXY v2: an unknown family");
  header_.is_datagram = transport == transport_datagram;
  const std::size_t at = v2_fixed_bytes;
  const std::size_t tlvs_at = at + address_bytes_of(family);
  if (block.size() < tlvs_at) return broken("PROXY v2: too short for its addresses");
  if (family == family_inet) {
    header_.source = inet_at(block, at, at + 8);
    header_.destination = inet_at(block, at + 4, at + 10);
  } else if (family == family_inet6) {
    header_.source = inet6_at(block, at, at + 32);
    header_.destination = inet6_at(block, at + 16, at + 34);
  } else if (family == family_unix) {
    header_.source = unix_at(block, at);
    header_.destination = unix_at(block, at + unix_path_bytes);
  }
  return parse_tlvs(block.substr(tlvs_at));
}

result<> proxy_header_parser::parse_tlvs(std::string_view tlvs) {
  while (!tlvs.empty()) {
    if (tlvs.size() < tlv_head_bytes) return broken("PROXY v2: a TLV that is cut off");
    const std::uint8_t type = byte_at(tlvs, 0);
    const std::size_t value_bytes = u16_at(tlvs, 1);
    if (tlvs.size() - tlv_head_bytes < value_bytes) return broken("PROXY v2: a TLV beyond the end");
    const std::string_view value = tlvs.substr(tlv_head_bytes, value_bytes);
    if (type == proxy_tlv_crc32c) {
      const auto at = static_cast<std::size_t>(value.data() - text_.data());
      if (value.size() != checksum_bytes || u32_at(value, 0) != checksum_of(text_, at))
        return broken("PROXY v2: the checksum is wrong");
    } else {
      header_.tlvs.emplace_back(type, std::string(value));
    }
    tlvs.remove_prefix(tlv_head_bytes + value_bytes);
  }
  is_complete_ = true;
  return {};
}

} // namespace weir
