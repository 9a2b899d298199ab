// Listening and connecting for contestants without a library: tcp://IPv4:port and ipc:///path.
// Errors end the program. Plain C++, no dependency on weir.
#pragma once

#include "contestant.hpp"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <sys/un.h>

namespace bench {

struct socket_address {
  union {
    sockaddr any;
    sockaddr_in in;
    sockaddr_un un;
  };
  socklen_t size_bytes;
};

inline socket_address parse_endpoint(const std::string& endpoint) {
  socket_address address{};
  const std::string rest = endpoint.substr(6); // behind "tcp://" or "ipc://"
  if (endpoint.rfind("ipc://", 0) == 0) {
    address.un.sun_family = AF_UNIX;
    address.size_bytes = sizeof address.un;
    if (rest.size() >= sizeof address.un.sun_path) fail(endpoint, "path too long");
    std::memcpy(address.un.sun_path, rest.c_str(), rest.size() + 1);
    return address;
  }
  const std::size_t colon = std::min(rest.rfind(':'), rest.size());
  address.in.sin_family = AF_INET;
  address.in.sin_port =
      htons(static_cast<std::uint16_t>(std::atoi(rest.c_str() + std::min(colon + 1, rest.size()))));
  address.size_bytes = sizeof address.in;
  if (inet_pton(AF_INET, rest.substr(0, colon).c_str(), &address.in.sin_addr) != 1)
    fail(endpoint, "not an address");
  return address;
}

inline int open_stream_socket(const socket_address& address) {
  const int fd = socket(address.any.sa_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (fd < 0) fail_errno("socket");
  const int on = 1;
  if (address.any.sa_family == AF_INET) {
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on); // an accepted socket inherits it
  }
  return fd;
}

inline int listen_on(const std::string& endpoint) {
  const auto address = parse_endpoint(endpoint);
  const int fd = open_stream_socket(address);
  if (bind(fd, &address.any, address.size_bytes) != 0 || listen(fd, 64) != 0) fail_errno(endpoint);
  return fd;
}

inline int connect_to(const std::string& endpoint) {
  const auto address = parse_endpoint(endpoint);
  const int fd = open_stream_socket(address);
  if (connect(fd, &address.any, address.size_bytes) != 0) fail_errno(endpoint);
  return fd;
}

} // namespace bench
