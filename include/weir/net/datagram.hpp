// datagram: one message from a datagram socket, and what is told of it; and those that are to be sent.
//
// Lifetime: `bytes` keeps memory of the loop's pool alive (lease.hpp): keep long what you copied. Thread
// rule: the loop's thread.
#pragma once

#include <weir/base/lease.hpp>
#include <weir/base/result.hpp>
#include <weir/net/address.hpp>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

namespace weir {

/// By its constructors no aggregate: it may stand in a co_await statement (docs/compilers.md).
struct datagram {
  datagram() = default;
  datagram(lease content, const address& sender) noexcept : bytes(std::move(content)), from(sender) {}

  lease bytes; ///< may be empty: a datagram without bytes is one
  address from;
  bool is_truncated = false; ///< longer than its memory: the rest is lost

  // Where udp_options asked for them.
  std::optional<address> to;      ///< the local address that it was sent to, without a port
  unsigned interface_index = 0;   ///< where it arrived (if_indextoname(3))
  std::uint8_t traffic_class = 0; ///< IP_TOS or IPV6_TCLASS

  /// Explicit congestion notification, the low two bits (RFC 3168).
  std::uint8_t ecn() const noexcept { return traffic_class & 3; }
};

/// One to be sent: `bytes` and `to` stay valid until it has been. `to` null: to whom the socket is connected.
struct outgoing_datagram {
  outgoing_datagram() = default;
  explicit outgoing_datagram(std::span<const std::byte> content,
                             const address* destination = nullptr) noexcept
      : bytes(content), to(destination) {}

  std::span<const std::byte> bytes;
  const address* to = nullptr;
};

/// The outcome of sending several: how many were sent, from the first on, and why no more.
class [[nodiscard]] sent_datagrams {
 public:
  explicit sent_datagrams(std::size_t sent) noexcept : count_(sent) {}
  sent_datagrams(std::size_t sent, error why) noexcept : count_(sent), reason_(std::move(why)) {}

  /// All that were given.
  explicit operator bool() const noexcept { return !reason_; }
  /// The one behind these met the error: whoever goes on leaves it out.
  std::size_t count() const noexcept { return count_; }
  /// Precondition: not all.
  const weir::error& error() const noexcept { return *reason_; }

 private:
  std::size_t count_;
  std::optional<weir::error> reason_;
};

/// What happens to a datagram that comes while as many wait already as `queue_max` allows.
enum class when_queue_is_full : std::uint8_t {
  pause,       ///< it stays in the kernel's buffer, which drops when it is full itself
  drop_newest, ///< it is dropped and counted
  drop_oldest, ///< the one that waits longest is, in favour of it
};

/// What a datagram socket has lost so far.
struct datagram_losses {
  std::uint64_t dropped = 0; ///< by the policy of the queue, or for want of memory
  std::uint32_t kernel_dropped =
      0; ///< by the kernel, since its buffer was full; wraps (SO_MEMINFO, socket(7))
};

class datagram_core;
/// Of the sockets: their engine lives on until nobody uses it any more.
struct abandon_datagram_core {
  void operator()(datagram_core* orphan) const noexcept;
};

} // namespace weir
