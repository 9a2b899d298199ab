// udp_socket: datagrams over UDP (udp(7)), to and from anybody or, connected, one peer (docs/datagrams.md).
//
// A receive is always pending; what arrives waits in a queue of `queue_max` datagrams. At that bound
// receiving pauses and the kernel's buffer fills, or datagrams are dropped and counted. A full kernel buffer
// drops in any case, for UDP has no backpressure across the network: `losses` counts both. A send leaves from
// the caller's memory, whole; it waits while the socket's buffer is full. Several may be under way, in no
// promised order.
//
// Thread rule: the thread of the loop on which it was made. At most one task receives at a time. Lifetime:
// movable. Destroying it drops what was not read, and closes once the sends that are under way have ended.
// Cancel-safety: every call: a cancelled receive takes nothing; a send that was faster than its cancellation
// says so. Errors: what earlier datagrams met (ICMP: ECONNREFUSED on a connected socket) is the outcome of
// one receive or send; the socket goes on. Bound: a datagram of at most a slot of the loop's pool less some
// 250 bytes; longer ones are truncated, and say so.
#pragma once

#include <weir/async/task.hpp>
#include <weir/base/result.hpp>
#include <weir/base/transfer.hpp>
#include <weir/io/descriptor.hpp>
#include <weir/io/loop.hpp>
#include <weir/net/address.hpp>
#include <weir/net/datagram.hpp>
#include <weir/net/udp_options.hpp>

#include <cstddef>
#include <memory>
#include <optional>
#include <span>

namespace weir {

class udp_socket {
 public:
  udp_socket() = default;
  udp_socket(udp_socket&&) = default;
  udp_socket& operator=(udp_socket&&) = default;

  static result<udp_socket> bind(const address& at, const udp_options& options = udp_options{});
  /// From a port that the system picks; receives from `to` only.
  static result<udp_socket> connect(const address& to, const udp_options& options = udp_options{});
  /// From now on sends to and receives from `to` only. What came from others before is delivered still.
  result<void> connect_to(const address& to);

  explicit operator bool() const noexcept { return core_ != nullptr; }

  // --- receiving ---
  task<result<datagram>> receive();
  /// Without waiting: nothing when none is there.
  std::optional<datagram> try_receive() noexcept;
  /// At least one, as many as are there and `into` holds: how many.
  task<result<std::size_t>> receive_some(std::span<datagram> into);

  // --- sending ---
  task<result<void>> send(std::span<const std::byte> bytes);
  task<result<void>> send_to(std::span<const std::byte> bytes, address to);
  /// Without waiting: std::errc::operation_would_block while the socket's buffer is full.
  result<void> try_send(std::span<const std::byte> bytes) noexcept;
  result<void> try_send_to(std::span<const std::byte> bytes, const address& to) noexcept;
  /// All of them, many by one call.
  task<sent_datagrams> send_many(std::span<const outgoing_datagram> datagrams);
  /// `bytes` as datagrams of `segment_bytes` each, the last perhaps shorter. The kernel cuts them where it
  /// can (UDP_SEGMENT), else they are sent by send_many. Bytes count as sent by the datagram. Null:
  /// connected.
  task<transfer> send_segments(std::span<const std::byte> bytes, std::size_t segment_bytes,
                               const address* to = nullptr);

  // --- multicast (ip(7), ipv6(7)) ---
  /// On the interface of that index, or on one that the system picks (0).
  result<void> join(const address& group, unsigned interface_index = 0);
  result<void> leave(const address& group, unsigned interface_index = 0);
  result<void> set_multicast_interface(unsigned interface_index);
  /// How far it goes: 1, the default, is the local network.
  result<void> set_multicast_ttl(int hops);
  /// Whether this machine hears what it sends.
  result<void> set_multicast_loop(bool hears_itself);

  /// With the port that the system chose.
  result<address> local_address() const;
  datagram_losses losses() const noexcept;
  /// Whether the kernel cuts what send_segments sends, or joins what is received.
  bool segments_in_kernel() const noexcept { return segments_in_kernel_; }
  bool coalesces() const noexcept { return coalesces_; }
  int native_handle() const noexcept;

 private:
  static result<udp_socket> adopt(loop& home, descriptor socket, int family, const udp_options& options);
  datagram take() noexcept;
  result<void> set(int v4_option, int v6_option, int value, const char* name);
  result<void> change_membership(int option, const address& group, unsigned interface_index,
                                 const char* name);

  std::unique_ptr<datagram_core, abandon_datagram_core> core_;
  int family_ = 0;
  bool segments_in_kernel_ = false;
  bool coalesces_ = false;
};

} // namespace weir
