#include "socket_settings.hpp"

#include <weir/io/platform/sockets.hpp>
#include <weir/net/udp_options.hpp>

namespace weir {

result<void> apply(const udp_options& options, int descriptor, int family) {
  const bool is_v6 = family == AF_INET6;
  const int ip = is_v6 ? IPPROTO_IPV6 : IPPROTO_IP;
  const socket_setting settings[] = {
      {options.reuse_address, SOL_SOCKET, SO_REUSEADDR, 1, "SO_REUSEADDR"},
      {options.reuse_port, SOL_SOCKET, SO_REUSEPORT, 1, "SO_REUSEPORT"},
      {is_v6, IPPROTO_IPV6, IPV6_V6ONLY, options.v6_only, "IPV6_V6ONLY"},
      {options.broadcast, SOL_SOCKET, SO_BROADCAST, 1, "SO_BROADCAST"},
      {options.receive_buffer_bytes > 0, SOL_SOCKET, SO_RCVBUF, options.receive_buffer_bytes, "SO_RCVBUF"},
      {options.send_buffer_bytes > 0, SOL_SOCKET, SO_SNDBUF, options.send_buffer_bytes, "SO_SNDBUF"},
      {options.traffic_class.has_value(), ip, is_v6 ? IPV6_TCLASS : IP_TOS, options.traffic_class.value_or(0),
       is_v6 ? "IPV6_TCLASS" : "IP_TOS"},
      {options.tells_destination, ip, is_v6 ? IPV6_RECVPKTINFO : IP_PKTINFO, 1,
       is_v6 ? "IPV6_RECVPKTINFO" : "IP_PKTINFO"},
      {options.tells_traffic_class, ip, is_v6 ? IPV6_RECVTCLASS : IP_RECVTOS, 1,
       is_v6 ? "IPV6_RECVTCLASS" : "IP_RECVTOS"},
  };
  return apply(settings, descriptor);
}

} // namespace weir
