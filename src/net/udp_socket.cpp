#include "control_data.hpp"
#include "datagram_core.hpp"

#include <weir/io/platform/sockets.hpp>
#include <weir/io/system_calls.hpp>
#include <weir/net/udp_socket.hpp>

#include <linux/udp.h>

#include <cerrno>

namespace weir {
namespace {

/// What may be told of a datagram: where it went (the larger of two kinds), its class, its segments.
constexpr std::size_t udp_control_bytes =
    CMSG_SPACE(sizeof(in6_pktinfo)) + CMSG_SPACE(sizeof(int)) + CMSG_SPACE(sizeof(int));
/// Most bytes that the kernel joins to one (UDP_GRO).
constexpr std::size_t coalesced_max_bytes = 65536;

bool has_kernel_segments(const descriptor& socket) noexcept {
  int size_bytes = 0;
  socklen_t size = sizeof size_bytes;
  return calls().getsockopt(socket.get(), IPPROTO_UDP, UDP_SEGMENT, &size_bytes, &size) == 0;
}

/// Only where a slot holds what may come: of a batch that is cut, whole datagrams would be lost.
bool starts_to_coalesce(const descriptor& socket, const loop& home) noexcept {
  const std::size_t room_bytes = home.options().buffers.slot_bytes;
  if (room_bytes < coalesced_max_bytes + message_header::payload_offset(udp_control_bytes)) return false;
  const int on = 1;
  return calls().setsockopt(socket.get(), IPPROTO_UDP, UDP_GRO, &on, sizeof on) == 0;
}

template <class Raw>
address address_without_port(sa_family_t family, const Raw& host) noexcept {
  if constexpr (std::is_same_v<Raw, in_addr>) {
    sockaddr_in raw{};
    raw.sin_family = family;
    raw.sin_addr = host;
    return {reinterpret_cast<const sockaddr*>(&raw), sizeof raw};
  } else {
    sockaddr_in6 raw{};
    raw.sin6_family = family;
    raw.sin6_addr = host;
    return {reinterpret_cast<const sockaddr*>(&raw), sizeof raw};
  }
}

/// What is told of a datagram beside its bytes; the size of its parts where the kernel joined several, else
/// 0.
std::size_t read_udp_control(std::span<const std::byte> control, datagram& into) noexcept {
  std::size_t segment_bytes = 0;
  for_each_control_item(control, [&](int level, int type, std::span<const std::byte> value) {
    if (level == IPPROTO_IP && type == IP_PKTINFO) {
      const auto told = value_of<in_pktinfo>(value);
      into.to = address_without_port(AF_INET, told.ipi_addr);
      into.interface_index = static_cast<unsigned>(told.ipi_ifindex);
    } else if (level == IPPROTO_IPV6 && type == IPV6_PKTINFO) {
      const auto told = value_of<in6_pktinfo>(value);
      into.to = address_without_port(AF_INET6, told.ipi6_addr);
      into.interface_index = told.ipi6_ifindex;
    } else if ((level == IPPROTO_IP && type == IP_TOS) || (level == IPPROTO_IPV6 && type == IPV6_TCLASS)) {
      into.traffic_class = value_of<std::uint8_t>(value); // an int of IPv6 has it in its first byte, too
      if (level == IPPROTO_IPV6) into.traffic_class = static_cast<std::uint8_t>(value_of<int>(value));
    } else if (level == IPPROTO_UDP && type == UDP_GRO) {
      segment_bytes = static_cast<std::size_t>(value_of<int>(value));
    }
  });
  return segment_bytes;
}

} // namespace

// --- making ---

result<udp_socket> udp_socket::bind(const address& at, const udp_options& options) {
  loop* home = loop::current();
  if (!home) return fail(errc::invalid_argument, "udp_socket::bind outside of a loop");
  descriptor socket(calls().socket(at.family(), SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, IPPROTO_UDP));
  if (!socket) return fail(error::from_errno(errno, "socket"));
  if (auto applied = apply(options, socket.get(), at.family()); !applied)
    return fail(std::move(applied).error());
  if (calls().bind(socket.get(), at.raw(), at.raw_bytes()) != 0)
    return fail(error::from_errno(errno, "bind").at(at.to_string()));
  return adopt(*home, std::move(socket), at.family(), options);
}

result<udp_socket> udp_socket::connect(const address& to, const udp_options& options) {
  loop* home = loop::current();
  if (!home) return fail(errc::invalid_argument, "udp_socket::connect outside of a loop");
  descriptor socket(calls().socket(to.family(), SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, IPPROTO_UDP));
  if (!socket) return fail(error::from_errno(errno, "socket"));
  if (auto applied = apply(options, socket.get(), to.family()); !applied)
    return fail(std::move(applied).error());
  // Before it receives: what strangers send in between never comes.
  if (calls().connect(socket.get(), to.raw(), to.raw_bytes()) != 0)
    return fail(error::from_errno(errno, "connect").at(to.to_string()));
  return adopt(*home, std::move(socket), to.family(), options);
}

result<udp_socket> udp_socket::adopt(loop& home, descriptor socket, int family, const udp_options& options) {
  udp_socket made;
  made.family_ = family;
  made.segments_in_kernel_ = has_kernel_segments(socket);
  made.coalesces_ = options.coalesces && starts_to_coalesce(socket, home);
  made.core_.reset(new datagram_core(home, std::move(socket),
                                     datagram_core_options{std::max<std::size_t>(options.queue_max, 1),
                                                           options.at_bound, udp_control_bytes, 0}));
  made.core_->start_receiving();
  return made;
}

result<void> udp_socket::connect_to(const address& to) {
  if (calls().connect(core_->descriptor_number(), to.raw(), to.raw_bytes()) != 0)
    return fail(error::from_errno(errno, "connect").at(to.to_string()));
  return {};
}

// --- receiving ---

/// Where the kernel has joined several, each is a share of the same lease.
datagram udp_socket::take() noexcept {
  queued_message& oldest = core_->front();
  const message_view view = core_->view_of(oldest);
  datagram next;
  next.from = address(view.from(), view.from_bytes());
  next.is_truncated = view.is_truncated();
  const std::size_t segment_bytes = read_udp_control(view.control(), next);
  const std::size_t begin = view.payload_offset() + oldest.given_out_bytes;
  const std::size_t left_bytes = oldest.raw.size() - begin;
  if (segment_bytes > 0 && segment_bytes < left_bytes) {
    next.bytes = oldest.raw.share(begin, segment_bytes);
    oldest.given_out_bytes += segment_bytes;
    return next;
  }
  next.bytes = core_->take().raw;
  next.bytes.remove_prefix(begin);
  return next;
}

std::optional<datagram> udp_socket::try_receive() noexcept {
  if (core_->empty()) return std::nullopt;
  return take();
}

task<result<datagram>> udp_socket::receive() {
  result<void> ready = co_await core_->readable();
  if (!ready) co_return fail(std::move(ready).error());
  co_return take();
}

task<result<std::size_t>> udp_socket::receive_some(std::span<datagram> into) {
  result<void> ready = co_await core_->readable();
  if (!ready) co_return fail(std::move(ready).error());
  std::size_t count = 0;
  while (count < into.size() && !core_->empty()) into[count++] = take();
  co_return count;
}

// --- what else ---

result<address> udp_socket::local_address() const {
  return address::local_of(core_->descriptor_number());
}

datagram_losses udp_socket::losses() const noexcept {
  return core_->losses();
}

int udp_socket::native_handle() const noexcept {
  return core_->descriptor_number();
}

} // namespace weir
