// How the uring_proactor marks its requests (io_uring_sqe::user_data) and its operations (operation::flags_).
#pragma once

#include <weir/io/operation.hpp>

#include <cstdint>

namespace weir {

/// Whose completion it is: the low bits of user_data, above them the operation's address.
enum class uring_tag : std::uint64_t {
  operation = 0,
  cancellation = 1, ///< of the operation's request
  wake = 2,         ///< the proactor's own read of its eventfd
  clean_up = 3,     ///< the proactor's last request: cancel whatever is left
};
inline constexpr std::uint64_t uring_tag_bits = 3;
static_assert(alignof(operation) > uring_tag_bits);

inline std::uint64_t user_data_of(uring_tag tag, const operation* op = nullptr) noexcept {
  return reinterpret_cast<std::uintptr_t>(op) | static_cast<std::uint64_t>(tag);
}

/// A completion queue entry as the kernel wrote it.
struct uring_completion {
  std::uint64_t user_data;
  std::int32_t result;
  std::uint32_t flags; ///< IORING_CQE_F_...

  uring_tag tag() const noexcept { return static_cast<uring_tag>(user_data & uring_tag_bits); }
  operation& of() const noexcept {
    return *reinterpret_cast<operation*>(static_cast<std::uintptr_t>(user_data & ~uring_tag_bits));
  }
};

namespace uring_flag {
// These outlive the operation's completion: what is known of its socket says how it is best asked next.
inline constexpr std::uint16_t more_data = 1;     ///< the last receive left data behind: try before waiting
inline constexpr std::uint16_t must_copy = 2;     ///< the socket cannot send without a copy
inline constexpr std::uint16_t knows_family = 4;  ///< the kernel was asked for the family of the socket
inline constexpr std::uint16_t is_local = 8;      ///< it is a unix-domain socket
inline constexpr std::uint16_t is_checked = 1024; ///< it is a datagram socket
inline constexpr std::uint16_t kept = more_data | must_copy | knows_family | is_local | is_checked;

inline constexpr std::uint16_t ended = 16;       ///< the result is known and kept; perhaps more is owed
inline constexpr std::uint16_t in_queue = 32;    ///< waits for a submission entry
inline constexpr std::uint16_t in_line = 64;     ///< waits for a slot of the buffer pool
inline constexpr std::uint16_t polling = 128;    ///< the kernel has a poll ahead of the receive itself
inline constexpr std::uint16_t has_slot = 256;   ///< the kernel fills a pool slot whose number is kept
inline constexpr std::uint16_t in_sends = 512;   ///< a send that waits for the end of the turn
inline constexpr std::uint16_t offloaded = 2048; ///< the blocking pool has it
} // namespace uring_flag

} // namespace weir
