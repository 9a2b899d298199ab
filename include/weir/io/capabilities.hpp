// What a backend can do on this machine. Found by probing and by the behavioural self-test when a loop
// starts; the environment variable WEIR_CAPABILITIES ("-bundles,-multishot_receive") and options can only
// take away.
#pragma once

#include <weir/base/result.hpp>

#include <cstdint>
#include <string>
#include <string_view>

namespace weir {

enum class capability : std::uint32_t {
  defer_taskrun = 1u << 0,     ///< completions are made only when we ask (Linux 6.1)
  multishot_accept = 1u << 1,  ///< one accept, many connections (5.19)
  provided_buffers = 1u << 2,  ///< the kernel picks a slot of our ring when data is there (5.19)
  multishot_receive = 1u << 3, ///< one receive, many completions (6.0)
  bundles = 1u << 4,           ///< one receive fills several slots (6.10)
  send_zero_copy = 1u << 5,    ///< (6.0)
  poll_first = 1u << 6,        ///< a receive that waits before it tries (5.19)
  files = 1u << 7,             ///< operations on files run in the kernel (most 5.6, docs/operations.md)
  multishot_message = 1u << 8, ///< one receive of messages with their addresses, many completions (6.0)
};

class capability_mask {
 public:
  constexpr capability_mask() = default;
  constexpr explicit capability_mask(std::uint32_t bits) noexcept : bits_(bits) {}
  static constexpr capability_mask all() noexcept { return capability_mask(0x1ff); }

  constexpr bool has(capability which) const noexcept {
    return (bits_ & static_cast<std::uint32_t>(which)) != 0;
  }
  constexpr void add(capability which) noexcept { bits_ |= static_cast<std::uint32_t>(which); }
  constexpr void remove(capability which) noexcept { bits_ &= ~static_cast<std::uint32_t>(which); }
  constexpr capability_mask operator&(capability_mask other) const noexcept {
    return capability_mask(bits_ & other.bits_);
  }
  constexpr bool operator==(const capability_mask&) const noexcept = default;
  constexpr std::uint32_t bits() const noexcept { return bits_; }

  /// "defer_taskrun multishot_accept …", or "none".
  std::string to_string() const;
  /// All but those named with a leading '-', separated by commas; "none" and "one_shot" (no multishot, no
  /// bundles) are shorthands. Unknown names are errors that name them.
  static result<capability_mask> parse(std::string_view text);

 private:
  std::uint32_t bits_ = 0;
};

std::string_view name_of(capability which) noexcept;

} // namespace weir
