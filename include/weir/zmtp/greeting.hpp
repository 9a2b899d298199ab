// greeting: the first 64 bytes of a ZMTP 3 connection (RFC 37, "Version Negotiation").
//
//   signature(10)  version(2)  mechanism(20)  as-server(1)  filler(31)
//
// It is sent in two steps, because peers of other versions decide by the signature how to go on: first the
// signature alone, then, once the peer's signature is there, the rest.
//
// Thread rule: values without any sharing. Nothing here allocates.
#pragma once

#include <weir/base/result.hpp>

#include <array>
#include <compare>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

namespace weir::zmtp {

inline constexpr std::size_t signature_bytes = 10;
inline constexpr std::size_t greeting_bytes = 64;

struct protocol_version {
  std::uint8_t number_major = 3;
  std::uint8_t number_minor = 1;

  friend auto operator<=>(const protocol_version&, const protocol_version&) = default;
};
inline constexpr protocol_version own_version{3, 1};

/// The step that is sent as soon as the connection stands.
std::span<const std::byte, signature_bytes> own_signature() noexcept;
/// The step that is sent when `greeting_parser::signature_seen()`: version 3.1, mechanism NULL.
std::span<const std::byte, greeting_bytes - signature_bytes> own_greeting_rest() noexcept;

/// Reads the peer's greeting in pieces of any size. Refuses everything but ZMTP 3.0 and later with mechanism
/// NULL, as soon as the bytes that show it are there. The filler, the padding in the signature and, as NULL
/// has no roles, the as-server field are not looked at.
class greeting_parser {
 public:
  /// Takes what belongs to the greeting from the front of `bytes` and says how many bytes that was; what is
  /// left belongs to the first frame. An error names the broken rule, is the same however the bytes were cut,
  /// and is repeated by every further call.
  result<std::size_t> feed(std::span<const std::byte> bytes) noexcept;

  /// How many more bytes complete the step that is going on: the signature, then the rest. 0: all is there.
  std::size_t missing_bytes() const noexcept {
    return (signature_seen() ? greeting_bytes : signature_bytes) - received_bytes_;
  }
  /// Our second part is due. Stays true after an error: RFC 37 wants a peer that named its mechanism to be
  /// told ours before the connection is closed.
  bool signature_seen() const noexcept { return received_bytes_ >= signature_bytes; }
  bool complete() const noexcept { return received_bytes_ == greeting_bytes && !broken_rule(); }

  /// What the peer speaks, and what both speak: the lower of its version and ours. Only when complete.
  protocol_version peer_version() const noexcept;
  protocol_version agreed_version() const noexcept;
  /// What the peer calls its security mechanism, up to the first null; empty until it has arrived. Arbitrary
  /// bytes when the peer is hostile. Valid as long as the parser.
  std::string_view peer_mechanism() const noexcept;

 private:
  const char* broken_rule() const noexcept;
  std::uint8_t octet(std::size_t index) const noexcept {
    return std::to_integer<std::uint8_t>(greeting_[index]);
  }

  std::array<std::byte, greeting_bytes> greeting_{};
  std::size_t received_bytes_ = 0;
};

} // namespace weir::zmtp
