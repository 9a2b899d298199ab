// socket_address: the name of a simulated socket: an address and a port of the internet families, or a name
// of a unix-domain socket. A value of plain bytes, as system calls take and give it.
#pragma once

#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <cstdint>
#include <string_view>

namespace weir::sim {

class socket_address {
 public:
  socket_address() = default;
  socket_address(const sockaddr* raw, socklen_t bytes) noexcept;
  /// Every address of the family, the port that is given.
  static socket_address any(int family, std::uint16_t port) noexcept;
  static socket_address loopback(int family, std::uint16_t port) noexcept;
  /// 10.0.0.N or fd00::N.
  static socket_address of_host(int family, std::uint32_t host_number, std::uint16_t port) noexcept;

  int family() const noexcept { return storage_.ss_family; }
  bool is_unix() const noexcept { return family() == AF_UNIX; }
  std::uint16_t port() const noexcept;
  void set_port(std::uint16_t port) noexcept;
  bool is_any() const noexcept;
  bool is_loopback() const noexcept;
  /// Of `of_host`; 0: none.
  std::uint32_t host_number() const noexcept;
  bool is_same_host(const socket_address& other) const noexcept;

  /// Of a unix-domain socket: with its leading null where it is abstract; empty: unnamed.
  std::string_view unix_name() const noexcept;

  const sockaddr* raw() const noexcept { return reinterpret_cast<const sockaddr*>(&storage_); }
  socklen_t bytes() const noexcept { return bytes_; }
  /// As getsockname(2) does: cut at the room, the whole length told.
  void write_to(sockaddr* into, socklen_t* bytes) const noexcept;

 private:
  sockaddr_in& v4() noexcept { return reinterpret_cast<sockaddr_in&>(storage_); }
  const sockaddr_in& v4() const noexcept { return reinterpret_cast<const sockaddr_in&>(storage_); }
  sockaddr_in6& v6() noexcept { return reinterpret_cast<sockaddr_in6&>(storage_); }
  const sockaddr_in6& v6() const noexcept { return reinterpret_cast<const sockaddr_in6&>(storage_); }

  sockaddr_storage storage_{};
  socklen_t bytes_ = 0;
};

} // namespace weir::sim
