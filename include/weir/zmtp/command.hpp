// command: what peers say to each other besides messages (RFC 37): READY and ERROR end the handshake of the
// NULL mechanism, PING and PONG are heartbeats, SUBSCRIBE and CANCEL belong to publishers.
//
//   body = name-size(1) name data
//
// Lifetime: parsing gives views into the bytes that were given; building fills a small value that needs no
// memory of its own. Nothing here allocates. Errors are errc::protocol and name the broken rule.
#pragma once

#include <weir/base/result.hpp>
#include <weir/zmtp/frame_header.hpp>
#include <weir/zmtp/metadata.hpp>
#include <weir/zmtp/socket_type.hpp>

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

namespace weir::zmtp {

inline constexpr std::size_t identity_bytes_max = 255;
inline constexpr std::size_t error_reason_bytes_max = 255;
inline constexpr std::size_t ping_context_bytes_max = 16;

enum class command_kind : std::uint8_t {
  ready,
  error,
  ping,
  pong,
  subscribe, ///< `data` is the prefix
  cancel,    ///< `data` is the prefix
  unknown,   ///< well-formed: RFC 37 lets mechanisms define their own, so it is to be ignored after the
             ///< handshake
};

struct command {
  command_kind kind = command_kind::unknown;
  std::string_view name;
  std::span<const std::byte> data; ///< behind the name, for the parser of this kind
};

/// Takes the body of a command frame apart. Names are of 1 to 255 letters and are compared exactly.
result<command> parse_command(std::span<const std::byte> body) noexcept;

struct ready_command {
  socket_type type = socket_type::pair;
  std::span<const std::byte> identity; ///< empty if the type does not announce one
  metadata properties;                 ///< all of them, these two included
};

/// Wants one Socket-Type that names a stable type, and at most one Identity, which for types that announce
/// one is of at most 255 bytes and does not begin with 0 (reserved for identities that a ROUTER makes up).
/// Whether the types fit is for the caller to judge: `compatible`.
result<ready_command> parse_ready(std::span<const std::byte> data) noexcept;

/// The reason. Whatever bytes the peer chose: escape them before they are printed.
result<std::string_view> parse_error_reason(std::span<const std::byte> data) noexcept;

struct ping_command {
  std::uint16_t ttl_deciseconds = 0;  ///< 0: none was given
  std::span<const std::byte> context; ///< more than 16 bytes are tolerated here, and cut by `make_pong`
};
result<ping_command> parse_ping(std::span<const std::byte> data) noexcept;

/// The context.
result<std::span<const std::byte>> parse_pong(std::span<const std::byte> data) noexcept;

/// A command as it goes onto the wire, header included.
class encoded_command {
 public:
  /// Room for READY of a type with the longest name and the longest identity, which is the longest we send.
  static constexpr std::size_t capacity_bytes = long_header_bytes + 1 + 5 +
                                                property_bytes(11, socket_type_name_bytes_max) +
                                                property_bytes(8, identity_bytes_max);

  /// Header and name of a command that is to have `data_bytes` behind its name.
  encoded_command(std::string_view name, std::size_t data_bytes) noexcept;
  void append(std::span<const std::byte> octets) noexcept;

  std::span<const std::byte> bytes() const noexcept { return {storage_.data(), size_bytes_}; }

 private:
  std::array<std::byte, capacity_bytes> storage_;
  std::size_t size_bytes_;
};

/// `identity`, at most 255 bytes, is left out for types that do not announce one.
encoded_command make_ready(socket_type type, std::span<const std::byte> identity) noexcept;
/// `reason` is cut to 255 bytes.
encoded_command make_error(std::string_view reason) noexcept;
/// `context` of at most 16 bytes.
encoded_command make_ping(std::uint16_t ttl_deciseconds, std::span<const std::byte> context = {}) noexcept;
/// The answer to a PING; its context is cut to 16 bytes.
encoded_command make_pong(std::span<const std::byte> ping_context) noexcept;

} // namespace weir::zmtp
