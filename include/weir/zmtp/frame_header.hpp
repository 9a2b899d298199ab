// frame_header: the 2 or 9 bytes in front of every ZMTP frame (RFC 37, "Framing").
//
//   flags  size              a body of at most 255 bytes
//   flags  size * 8          any body below 2^63 bytes, size in network byte order, flags with LONG
//
// Pure functions on bytes, inline because they are called once a frame. A peer may use the long form for a
// short body; we never do.
#pragma once

#include <weir/zmtp/big_endian.hpp>

#include <cstddef>
#include <cstdint>

namespace weir::zmtp {

inline constexpr std::uint8_t flag_more = 0x01;
inline constexpr std::uint8_t flag_long = 0x02;
inline constexpr std::uint8_t flag_command = 0x04;

inline constexpr std::size_t short_header_bytes = 2;
inline constexpr std::size_t long_header_bytes = 9;
inline constexpr std::size_t header_bytes_max = long_header_bytes;
inline constexpr std::uint64_t short_body_bytes_max = 255;
inline constexpr std::uint64_t body_bytes_max = ~std::uint64_t{0} >> 1;

/// MORE and COMMAND exclude each other, so a frame is one of three things. The values are flags on the wire.
enum class frame_kind : std::uint8_t {
  last = 0,               ///< the only or last frame of a message
  more = flag_more,       ///< a frame of a message that goes on
  command = flag_command, ///< for the protocol itself, never seen by users
};

struct frame_header {
  std::uint64_t body_bytes = 0;
  std::uint8_t header_bytes = 0; ///< as it was on the wire: 2 or 9
  frame_kind kind = frame_kind::last;

  friend bool operator==(const frame_header&, const frame_header&) = default;
};

/// The length of the header that `encode_header` writes.
constexpr std::size_t header_bytes_for(std::uint64_t body_bytes) noexcept {
  return body_bytes <= short_body_bytes_max ? short_header_bytes : long_header_bytes;
}

/// Writes the shortest header to `to`, which must have room for `header_bytes_for(body_bytes)` bytes; returns
/// how many it wrote.
inline std::size_t encode_header(std::byte* to, frame_kind kind, std::uint64_t body_bytes) noexcept {
  if (body_bytes <= short_body_bytes_max) {
    to[0] = static_cast<std::byte>(kind);
    to[1] = static_cast<std::byte>(body_bytes);
    return short_header_bytes;
  }
  to[0] = static_cast<std::byte>(kind) | std::byte{flag_long};
  store_big_endian(to + 1, body_bytes);
  return long_header_bytes;
}

enum class header_status : std::uint8_t {
  complete,
  incomplete, ///< right so far, more bytes are needed
  reserved_flag,
  command_with_more,
  body_too_long,
};

/// The rule of RFC 37 that a header broke; empty for those that broke none.
constexpr const char* broken_rule(header_status status) noexcept {
  switch (status) {
  case header_status::complete:
  case header_status::incomplete:
    return "";
  case header_status::reserved_flag:
    return "frame with a reserved flag";
  case header_status::command_with_more:
    return "command frame with the MORE flag";
  case header_status::body_too_long:
    return "frame of 2^63 bytes or more";
  }
  return "";
}

/// Reads the header at the front of `available` bytes. `out` is whole only when the answer is `complete`.
/// A broken rule is reported as early as the bytes show it.
inline header_status decode_header(const std::byte* first, std::size_t available,
                                   frame_header& out) noexcept {
  if (available == 0) return header_status::incomplete;
  const auto flags = std::to_integer<std::uint8_t>(first[0]);
  if (flags <= flag_more && available >= short_header_bytes) [[likely]] {
    out = {std::to_integer<std::uint64_t>(first[1]), short_header_bytes, static_cast<frame_kind>(flags)};
    return header_status::complete;
  }
  if (flags >= flag_command) { // a command or nonsense
    if (flags > (flag_more | flag_long | flag_command)) return header_status::reserved_flag;
    if ((flags & flag_more) != 0) return header_status::command_with_more;
  }
  out.kind = static_cast<frame_kind>(flags & (flag_more | flag_command));

  if ((flags & flag_long) == 0) {
    if (available < short_header_bytes) return header_status::incomplete;
    out.body_bytes = std::to_integer<std::uint64_t>(first[1]);
    out.header_bytes = short_header_bytes;
    return header_status::complete;
  }
  if (available < long_header_bytes) return header_status::incomplete;
  out.body_bytes = load_big_endian<std::uint64_t>(first + 1);
  out.header_bytes = long_header_bytes;
  return out.body_bytes <= body_bytes_max ? header_status::complete : header_status::body_too_long;
}

} // namespace weir::zmtp
