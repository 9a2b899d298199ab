// socket_type: the socket types of ZeroMQ that stand in a READY command, and which of them may talk to which.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

namespace weir::zmtp {

/// The numbers are those of the C interface (ZMQ_PAIR and on).
enum class socket_type : std::uint8_t { pair, pub, sub, req, rep, dealer, router, pull, push, xpub, xsub };

inline constexpr std::size_t socket_type_count = 11;

/// The name on the wire, in the order of the enumerators.
inline constexpr std::array<std::string_view, socket_type_count> socket_type_names{
    "PAIR", "PUB", "SUB", "REQ", "REP", "DEALER", "ROUTER", "PULL", "PUSH", "XPUB", "XSUB"};
inline constexpr std::size_t socket_type_name_bytes_max = 6;

constexpr std::string_view name_of(socket_type type) noexcept {
  return socket_type_names[static_cast<std::size_t>(type)];
}

/// From the name on the wire, in capitals as libzmq demands; nothing for names that are not a stable type.
constexpr std::optional<socket_type> socket_type_from(std::string_view name) noexcept {
  for (std::size_t index = 0; index < socket_type_count; ++index)
    if (socket_type_names[index] == name) return static_cast<socket_type>(index);
  return std::nullopt;
}

/// RFC 37, "The Socket-Type Property". Symmetric.
constexpr bool compatible(socket_type one, socket_type other) noexcept {
  const auto is_any_of = [other](auto... types) { return ((other == types) || ...); };
  using enum socket_type;
  switch (one) {
  case pair:
    return is_any_of(pair);
  case pub:
  case xpub:
    return is_any_of(sub, xsub);
  case sub:
  case xsub:
    return is_any_of(pub, xpub);
  case req:
    return is_any_of(rep, router);
  case rep:
    return is_any_of(req, dealer);
  case dealer:
    return is_any_of(rep, dealer, router);
  case router:
    return is_any_of(req, dealer, router);
  case pull:
    return is_any_of(push);
  case push:
    return is_any_of(pull);
  }
  return false;
}

/// Whether READY of this type carries an Identity (even an empty one); of all other types it is ignored.
constexpr bool announces_identity(socket_type type) noexcept {
  using enum socket_type;
  return type == req || type == dealer || type == router;
}

} // namespace weir::zmtp
