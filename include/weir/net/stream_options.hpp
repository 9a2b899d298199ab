// What people set on stream sockets. Zero or an empty optional leaves the system's default.
#pragma once

#include <weir/base/result.hpp>
#include <weir/net/address.hpp>

#include <cstddef>
#include <optional>

namespace weir {

struct stream_options {
  bool no_delay = true;                    ///< TCP_NODELAY: weir gathers writes itself
  bool keep_alive = false;                 ///< SO_KEEPALIVE
  int keep_alive_idle_s = 0;               ///< TCP_KEEPIDLE
  int receive_buffer_bytes = 0;            ///< SO_RCVBUF
  int loopback_receive_buffer_bytes = 0;   ///< SO_RCVBUF of TCP on loopback, if the one above is 0
  int send_buffer_bytes = 0;               ///< SO_SNDBUF
  std::optional<std::size_t> credit_bytes; ///< unread bytes at which receiving pauses; default: the loop's
  std::optional<std::size_t> send_bytes;   ///< unsent bytes at which writers wait; default: the loop's
};

struct listen_options {
  int backlog = 4096;             ///< listen(2); the system may cut it
  bool reuse_address = true;      ///< SO_REUSEADDR
  bool reuse_port = false;        ///< SO_REUSEPORT: the kernel spreads connections over several listeners
  bool v6_only = false;           ///< IPV6_V6ONLY
  bool replace_stale_path = true; ///< a unix-domain path that nobody listens on is removed first
  std::size_t accepted_max =
      256; ///< accepted connections that nobody took yet; accepting pauses there; 0: none
};

/// Applies the options that belong to the socket itself, which is bound to `local`; errors name the option.
result<void> apply(const stream_options& options, int descriptor, const address& local);

} // namespace weir
