// The PROXY protocol, versions 1 and 2: what a proxy says in front of a connection about the client behind
// it. This is the codec: pure, no I/O. Reading it from a connection is proxy_accept.hpp.
//
// The parser is fed pieces of any size and takes exactly the header: not a byte of what follows. It ends at
// the first byte that cannot be right. Bound: 107 bytes in version 1, `bytes_max` in version 2 (the protocol
// allows 65,551). Errors: errc::protocol with the broken rule, errc::limit_reached. A checksum (CRC32c) that
// is there is checked. Values; thread rule: none. Source: "The PROXY protocol", W. Tarreau, haproxy.org,
// doc/proxy-protocol.txt.
#pragma once

#include <weir/base/result.hpp>
#include <weir/net/address.hpp>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace weir {

/// What version 2 may carry beyond addresses; types as in the protocol: 1 ALPN, 2 host name, 5 unique id …
struct proxy_tlv {
  proxy_tlv(std::uint8_t of_type, std::string with_value) noexcept
      : type(of_type), value(std::move(with_value)) {}
  friend bool operator==(const proxy_tlv&, const proxy_tlv&) = default;

  std::uint8_t type;
  std::string value;
};

inline constexpr std::uint8_t proxy_tlv_alpn = 0x01;
inline constexpr std::uint8_t proxy_tlv_authority = 0x02;
inline constexpr std::uint8_t proxy_tlv_crc32c = 0x03;
inline constexpr std::uint8_t proxy_tlv_unique_id = 0x05;

inline constexpr std::size_t proxy_v1_bytes_max = 107;

struct proxy_header {
  proxy_header() {}

  int version = 2;
  bool is_local = false;              ///< sent by the proxy for itself, such as a health check
  bool is_datagram = false;           ///< the client speaks UDP or unix datagrams
  std::optional<address> source;      ///< the client; none when local, or when the proxy cannot tell
  std::optional<address> destination; ///< where the client connected to
  std::vector<proxy_tlv> tlvs;        ///< version 2, in order; without the checksum

  /// The value of the first TLV of this type.
  std::optional<std::string_view> tlv(std::uint8_t type) const noexcept;
};

class proxy_header_parser {
 public:
  explicit proxy_header_parser(std::size_t bytes_max = 4096) noexcept : bytes_max_(bytes_max) {}

  /// How many bytes certainly belong to the header still: who reads no more keeps the rest in its place. Zero
  /// when complete.
  std::size_t wanted_bytes() const noexcept;
  /// Takes what belongs to the header; how many bytes that was. After an error nothing more can be fed.
  result<std::size_t> feed(std::span<const std::byte> bytes);
  bool complete() const noexcept { return is_complete_; }
  /// Precondition: complete.
  const proxy_header& header() const noexcept { return header_; }

 private:
  bool is_v1() const noexcept { return text_.front() == 'P'; }
  std::size_t v2_bytes() const noexcept;
  result<> look();
  result<> look_at_v1();
  result<> look_at_v2();
  result<> parse_v1(std::string_view line);
  result<> parse_v2(std::string_view block);
  result<> parse_tlvs(std::string_view tlvs);

  std::size_t bytes_max_;
  std::string text_; ///< the header so far
  proxy_header header_;
  bool is_complete_ = false;
};

/// "PROXY TCP4 192.0.2.1 198.51.100.1 56324 443\r\n"; "PROXY UNKNOWN\r\n" where version 1 has no words for
/// it.
std::string encode_proxy_v1(const proxy_header& header);
/// With a checksum where wanted. Addresses of two families, or TLVs beyond 65,535 bytes, are
/// errc::invalid_argument.
result<std::string> encode_proxy_v2(const proxy_header& header, bool with_checksum = false);

} // namespace weir
