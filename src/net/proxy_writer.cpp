#include "proxy_format.hpp"

#include <weir/io/platform/sockets.hpp>
#include <weir/net/proxy_protocol.hpp>

namespace weir {
namespace {

using namespace proxy_format;

void append_u16(std::string& to, std::size_t value) {
  to += static_cast<char>(value >> 8);
  to += static_cast<char>(value);
}

template <class Number>
void append_raw(std::string& to, const Number& number) {
  to.append(reinterpret_cast<const char*>(&number), sizeof number);
}

/// The number of an IP address, or the padded path of a unix-domain one.
void append_host(std::string& to, const address& of) {
  if (of.family() == AF_INET) return append_raw(to, reinterpret_cast<const sockaddr_in*>(of.raw())->sin_addr);
  if (of.family() == AF_INET6)
    return append_raw(to, reinterpret_cast<const sockaddr_in6*>(of.raw())->sin6_addr);
  std::string path = of.unix_path();
  if (path.empty() && !of.host().empty()) path = '\0' + of.host().substr(1); // abstract
  path.resize(unix_path_bytes);
  to += path;
}

std::uint8_t family_of(const proxy_header& header) noexcept {
  if (!header.source || !header.destination) return family_unspecified;
  switch (header.source->family()) {
  case AF_INET:
    return family_inet;
  case AF_INET6:
    return family_inet6;
  default:
    return family_unix;
  }
}

void append_tlv(std::string& to, std::uint8_t type, std::string_view value) {
  to += static_cast<char>(type);
  append_u16(to, value.size());
  to += value;
}

} // namespace

std::string encode_proxy_v1(const proxy_header& header) {
  const std::uint8_t family = family_of(header);
  const bool is_told = (family == family_inet || family == family_inet6) && !header.is_local &&
                       !header.is_datagram && header.source->family() == header.destination->family();
  if (!is_told) return "PROXY UNKNOWN\r\n";
  return std::string("PROXY ") + (family == family_inet ? "TCP4 " : "TCP6 ") + header.source->host() + " " +
         header.destination->host() + " " + std::to_string(header.source->port()) + " " +
         std::to_string(header.destination->port()) + "\r\n";
}

result<std::string> encode_proxy_v2(const proxy_header& header, bool with_checksum) {
  const std::uint8_t family = header.is_local ? std::uint8_t{family_unspecified} : family_of(header);
  std::string body;
  if (family != family_unspecified) {
    if (header.source->family() != header.destination->family())
      return fail(errc::invalid_argument, "PROXY v2: addresses of two families");
    append_host(body, *header.source);
    append_host(body, *header.destination);
    if (family != family_unix) {
      append_u16(body, header.source->port());
      append_u16(body, header.destination->port());
    }
  }
  for (const proxy_tlv& each : header.tlvs) {
    if (each.value.size() > 0xffff)
      return fail(errc::invalid_argument, "PROXY v2: a TLV beyond 65,535 bytes");
    append_tlv(body, each.type, each.value);
  }
  if (with_checksum) append_tlv(body, proxy_tlv_crc32c, std::string(checksum_bytes, '\0'));
  if (body.size() > 0xffff) return fail(errc::invalid_argument, "PROXY v2: more than 65,535 bytes");

  std::string whole(v2_signature);
  whole += static_cast<char>(header.is_local ? 0x20 : 0x21);
  const unsigned transport = header.is_datagram ? transport_datagram : transport_stream;
  whole += static_cast<char>(family == family_unspecified ? 0u : family * 16u + transport);
  append_u16(whole, body.size());
  whole += body;
  if (with_checksum) {
    const std::size_t at = whole.size() - checksum_bytes;
    const std::uint32_t checksum = checksum_of(whole, at);
    for (std::size_t i = 0; i < checksum_bytes; ++i)
      whole[at + i] = static_cast<char>(checksum >> (24 - 8 * i));
  }
  return whole;
}

} // namespace weir
