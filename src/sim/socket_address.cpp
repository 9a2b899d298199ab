#include <weir/sim/socket_address.hpp>

#include <algorithm>
#include <cstddef>
#include <cstring>

namespace weir::sim {
namespace {

constexpr std::uint32_t network_of_hosts = 10u << 24; // 10.0.0.0/8, of which hosts take the last bits
constexpr std::uint32_t host_mask = 0x00ff'ffff;

} // namespace

socket_address::socket_address(const sockaddr* raw, socklen_t bytes) noexcept
    : bytes_(std::min<socklen_t>(bytes, sizeof storage_)) {
  if (raw) std::memcpy(&storage_, raw, bytes_);
}

socket_address socket_address::any(int family, std::uint16_t port) noexcept {
  socket_address made;
  made.storage_.ss_family = static_cast<sa_family_t>(family);
  made.bytes_ = family == AF_INET6  ? socklen_t{sizeof(sockaddr_in6)}
                : family == AF_INET ? socklen_t{sizeof(sockaddr_in)}
                                    : socklen_t{sizeof(sa_family_t)};
  made.set_port(port);
  return made;
}

socket_address socket_address::loopback(int family, std::uint16_t port) noexcept {
  socket_address made = any(family, port);
  if (family == AF_INET)
    made.v4().sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  else
    made.v6().sin6_addr = in6addr_loopback;
  return made;
}

socket_address socket_address::of_host(int family, std::uint32_t host_number, std::uint16_t port) noexcept {
  socket_address made = any(family, port);
  if (family == AF_INET) {
    made.v4().sin_addr.s_addr = htonl(network_of_hosts | host_number);
  } else {
    made.v6().sin6_addr.s6_addr[0] = 0xfd;
    for (unsigned i = 0; i < 4; ++i)
      made.v6().sin6_addr.s6_addr[15 - i] = static_cast<std::uint8_t>(host_number >> (8 * i));
  }
  return made;
}

std::uint16_t socket_address::port() const noexcept {
  if (family() == AF_INET) return ntohs(v4().sin_port);
  return family() == AF_INET6 ? ntohs(v6().sin6_port) : std::uint16_t{0};
}

void socket_address::set_port(std::uint16_t port) noexcept {
  if (family() == AF_INET) v4().sin_port = htons(port);
  if (family() == AF_INET6) v6().sin6_port = htons(port);
}

bool socket_address::is_any() const noexcept {
  if (family() == AF_INET) return v4().sin_addr.s_addr == htonl(INADDR_ANY);
  return family() == AF_INET6 && IN6_IS_ADDR_UNSPECIFIED(&v6().sin6_addr);
}

bool socket_address::is_loopback() const noexcept {
  if (family() == AF_INET) return ntohl(v4().sin_addr.s_addr) >> 24 == 127;
  return family() == AF_INET6 && IN6_IS_ADDR_LOOPBACK(&v6().sin6_addr);
}

std::uint32_t socket_address::host_number() const noexcept {
  if (family() == AF_INET) {
    const std::uint32_t host = ntohl(v4().sin_addr.s_addr);
    return (host & ~host_mask) == network_of_hosts ? host & host_mask : 0;
  }
  if (family() != AF_INET6) return 0;
  const std::uint8_t* const byte = v6().sin6_addr.s6_addr;
  if (byte[0] != 0xfd || std::any_of(byte + 1, byte + 12, [](std::uint8_t each) { return each != 0; }))
    return 0;
  std::uint32_t number = 0;
  for (unsigned i = 12; i < 16; ++i) number = number << 8 | byte[i];
  return number;
}

bool socket_address::is_same_host(const socket_address& other) const noexcept {
  if (family() != other.family()) return false;
  if (family() == AF_INET) return v4().sin_addr.s_addr == other.v4().sin_addr.s_addr;
  return std::memcmp(&v6().sin6_addr, &other.v6().sin6_addr, sizeof(in6_addr)) == 0;
}

std::string_view socket_address::unix_name() const noexcept {
  constexpr std::size_t path_offset = offsetof(sockaddr_un, sun_path);
  if (!is_unix() || bytes_ <= path_offset) return {};
  const char* const name = reinterpret_cast<const sockaddr_un&>(storage_).sun_path;
  const std::size_t most = bytes_ - path_offset;
  return {name, name[0] == '\0' ? most : ::strnlen(name, most)};
}

void socket_address::write_to(sockaddr* into, socklen_t* bytes) const noexcept {
  if (!into || !bytes) return;
  std::memcpy(into, &storage_, std::min(*bytes, bytes_));
  *bytes = bytes_;
}

} // namespace weir::sim
