#include "socket_settings.hpp"

#include <weir/io/platform/sockets.hpp>
#include <weir/net/stream_options.hpp>

namespace weir {

result<void> apply(const stream_options& options, int descriptor, const address& local) {
  const bool is_tcp = !local.is_unix();
  int receive_buffer_bytes = options.receive_buffer_bytes;
  if (receive_buffer_bytes == 0 && local.is_loopback())
    receive_buffer_bytes = options.loopback_receive_buffer_bytes;
  const socket_setting settings[] = {
      {is_tcp && options.no_delay, IPPROTO_TCP, TCP_NODELAY, 1, "TCP_NODELAY"},
      {options.keep_alive, SOL_SOCKET, SO_KEEPALIVE, 1, "SO_KEEPALIVE"},
      {is_tcp && options.keep_alive_idle_s > 0, IPPROTO_TCP, TCP_KEEPIDLE, options.keep_alive_idle_s,
       "TCP_KEEPIDLE"},
      {receive_buffer_bytes > 0, SOL_SOCKET, SO_RCVBUF, receive_buffer_bytes, "SO_RCVBUF"},
      {options.send_buffer_bytes > 0, SOL_SOCKET, SO_SNDBUF, options.send_buffer_bytes, "SO_SNDBUF"},
  };
  return apply(settings, descriptor);
}

} // namespace weir
