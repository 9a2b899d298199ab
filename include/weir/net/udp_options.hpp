// What people set on UDP sockets. Zero or an empty optional leaves the system's default.
#pragma once

#include <weir/base/result.hpp>
#include <weir/net/datagram.hpp>

#include <cstddef>
#include <cstdint>
#include <optional>

namespace weir {

struct udp_options {
  udp_options() = default;

  std::size_t queue_max = 256; ///< received datagrams that wait to be read
  when_queue_is_full at_bound = when_queue_is_full::pause;

  bool reuse_address = false;   ///< SO_REUSEADDR: several sockets may receive a multicast group on one port
  bool reuse_port = false;      ///< SO_REUSEPORT: the kernel spreads senders over several sockets
  bool v6_only = false;         ///< IPV6_V6ONLY
  bool broadcast = false;       ///< SO_BROADCAST: may send to a broadcast address
  int receive_buffer_bytes = 0; ///< SO_RCVBUF
  int send_buffer_bytes = 0;    ///< SO_SNDBUF
  /// IP_TOS or IPV6_TCLASS of what is sent; ECN in the low two bits.
  std::optional<std::uint8_t> traffic_class;

  bool tells_destination = false;   ///< IP_PKTINFO: fills datagram::to and interface_index
  bool tells_traffic_class = false; ///< IP_RECVTOS: fills datagram::traffic_class
  /// UDP_GRO: the kernel joins datagrams of one sender that come together; they are taken apart here. Stays
  /// off unless a slot of the loop's pool holds 64 KiB and the rest of a message
  /// (loop_options::buffers).
  bool coalesces = false;
};

/// Applies them to a socket of that family before it is bound; errors name the option. What a kernel may lack
/// (UDP_GRO) is not an error.
result<void> apply(const udp_options& options, int descriptor, int family);

} // namespace weir
