// Multicast on a udp_socket, for both families (ip(7), ipv6(7), RFC 3678).
#include "datagram_core.hpp"

#include <weir/io/platform/sockets.hpp>
#include <weir/io/system_calls.hpp>
#include <weir/net/udp_socket.hpp>

#include <cerrno>
#include <cstring>

namespace weir {

result<void> udp_socket::set(int v4_option, int v6_option, int value, const char* name) {
  const bool is_v6 = family_ == AF_INET6;
  const int outcome = calls().setsockopt(core_->descriptor_number(), is_v6 ? IPPROTO_IPV6 : IPPROTO_IP,
                                         is_v6 ? v6_option : v4_option, &value, sizeof value);
  if (outcome != 0) return fail(error::from_errno(errno, name));
  return {};
}

result<void> udp_socket::change_membership(int option, const address& group, unsigned interface_index,
                                           const char* name) {
  group_req request{};
  request.gr_interface = interface_index;
  std::memcpy(&request.gr_group, group.raw(), group.raw_bytes());
  const int level = group.family() == AF_INET6 ? IPPROTO_IPV6 : IPPROTO_IP;
  if (calls().setsockopt(core_->descriptor_number(), level, option, &request, sizeof request) != 0)
    return fail(error::from_errno(errno, name).at(group.host()));
  return {};
}

result<void> udp_socket::join(const address& group, unsigned interface_index) {
  return change_membership(MCAST_JOIN_GROUP, group, interface_index, "MCAST_JOIN_GROUP");
}

result<void> udp_socket::leave(const address& group, unsigned interface_index) {
  return change_membership(MCAST_LEAVE_GROUP, group, interface_index, "MCAST_LEAVE_GROUP");
}

result<void> udp_socket::set_multicast_interface(unsigned interface_index) {
  if (family_ == AF_INET6)
    return set(0, IPV6_MULTICAST_IF, static_cast<int>(interface_index), "IPV6_MULTICAST_IF");
  ip_mreqn by_index{};
  by_index.imr_ifindex = static_cast<int>(interface_index);
  if (calls().setsockopt(core_->descriptor_number(), IPPROTO_IP, IP_MULTICAST_IF, &by_index,
                         sizeof by_index) != 0)
    return fail(error::from_errno(errno, "IP_MULTICAST_IF"));
  return {};
}

result<void> udp_socket::set_multicast_ttl(int hops) {
  return set(IP_MULTICAST_TTL, IPV6_MULTICAST_HOPS, hops, "IP_MULTICAST_TTL");
}

result<void> udp_socket::set_multicast_loop(bool hears_itself) {
  return set(IP_MULTICAST_LOOP, IPV6_MULTICAST_LOOP, hears_itself, "IP_MULTICAST_LOOP");
}

} // namespace weir
