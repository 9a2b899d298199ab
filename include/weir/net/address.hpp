// address: where a stream socket listens or connects: IPv4, IPv6, or a unix-domain socket by path or abstract
// name (unix(7)).
//
// A value of fixed size; nothing here resolves names.
#pragma once

#include <weir/base/result.hpp>
#include <weir/io/platform/sockets.hpp>

#include <cstdint>
#include <string>
#include <string_view>

namespace weir {

class address {
 public:
  address() = default;
  /// Of at most sizeof(sockaddr_storage) bytes.
  address(const sockaddr* raw, socklen_t raw_bytes) noexcept;

  /// "127.0.0.1", "::1", "*" (any, IPv4). A name is an error that says so.
  static result<address> ip(std::string_view host, std::uint16_t port);
  /// "127.0.0.1:80", "[::1]:80", "*:0".
  static result<address> parse_ip(std::string_view text);
  /// A file system path of at most 107 bytes.
  static result<address> unix_path(std::string_view path);
  /// A name in the abstract name space of Linux, without its leading zero byte; at most 107 bytes.
  static result<address> unix_abstract(std::string_view name);

  /// The local or the remote end of a socket.
  static result<address> local_of(int descriptor);
  static result<address> remote_of(int descriptor);

  const sockaddr* raw() const noexcept { return reinterpret_cast<const sockaddr*>(&storage_); }
  socklen_t raw_bytes() const noexcept { return bytes_; }
  int family() const noexcept { return storage_.ss_family; }
  bool is_unix() const noexcept { return family() == AF_UNIX; }
  /// 127.0.0.0/8, also mapped into IPv6 (RFC 4291, 2.5.5.2), and ::1.
  bool is_loopback() const noexcept;
  /// Zero for unix-domain sockets.
  std::uint16_t port() const noexcept;
  /// The path; empty for abstract, unnamed and IP addresses.
  std::string unix_path() const;
  /// "127.0.0.1", "::1", the path, or "@name".
  std::string host() const;
  /// "127.0.0.1:80", "[::1]:80", "/run/socket", "@name".
  std::string to_string() const;

 private:
  std::size_t path_bytes() const noexcept;
  sockaddr_storage storage_{};
  socklen_t bytes_ = 0;
};

} // namespace weir
