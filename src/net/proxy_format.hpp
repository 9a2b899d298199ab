// What reading and writing the PROXY protocol share.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace weir::proxy_format {

inline constexpr std::string_view v1_start = "PROXY ";
inline constexpr std::string_view v2_signature{"\r\n\r\n\0\r\nQUIT\n", 12};
inline constexpr std::size_t v2_fixed_bytes = 16; ///< signature, version and command, family, length

enum : std::uint8_t { family_unspecified = 0, family_inet = 1, family_inet6 = 2, family_unix = 3 };
enum : std::uint8_t { transport_unspecified = 0, transport_stream = 1, transport_datagram = 2 };

inline constexpr std::size_t inet_bytes = 4 + 4 + 2 + 2;
inline constexpr std::size_t inet6_bytes = 16 + 16 + 2 + 2;
inline constexpr std::size_t unix_path_bytes = 108;
inline constexpr std::size_t unix_bytes = 2 * unix_path_bytes;
inline constexpr std::size_t tlv_head_bytes = 3;
inline constexpr std::size_t checksum_bytes = 4;

inline std::uint8_t byte_at(std::string_view bytes, std::size_t at) noexcept {
  return static_cast<std::uint8_t>(bytes[at]);
}
inline std::uint16_t u16_at(std::string_view bytes, std::size_t at) noexcept {
  return static_cast<std::uint16_t>(byte_at(bytes, at) << 8 | byte_at(bytes, at + 1));
}
inline std::uint32_t u32_at(std::string_view bytes, std::size_t at) noexcept {
  return static_cast<std::uint32_t>(u16_at(bytes, at)) << 16 | u16_at(bytes, at + 2);
}

/// CRC32c (RFC 4960, appendix B), to be gone on with: begin with `crc32c_start`, end with `~`.
inline constexpr std::uint32_t crc32c_start = 0xffffffffu;
std::uint32_t crc32c(std::uint32_t so_far, std::string_view bytes) noexcept;

/// Of a header with the four bytes at `checksum_at` taken for zero.
std::uint32_t checksum_of(std::string_view header, std::size_t checksum_at) noexcept;

} // namespace weir::proxy_format
