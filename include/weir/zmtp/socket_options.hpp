// What can be set on a messaging socket, with libzmq's names and defaults where it has them.
#pragma once

#include <weir/base/error.hpp>
#include <weir/net/stream_options.hpp>
#include <weir/zmtp/frame_scanner.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>

namespace weir::zmtp {

/// What a ROUTER does with a message for a peer whose queue is full.
enum class full_policy : std::uint8_t {
  wait, ///< the sender waits for room: nothing is lost
  drop, ///< the message is dropped and counted: libzmq's way
};

enum class socket_event_kind : std::uint8_t {
  listening,
  accepted,
  connected,
  connect_failed, ///< tried again after the reconnect interval
  handshake_succeeded,
  handshake_failed,
  disconnected,
  accept_failed,
};
std::string_view name_of(socket_event_kind kind) noexcept;

/// Told to `socket_options::on_event`; the views are valid during the call.
struct socket_event {
  socket_event_kind kind;
  std::string_view endpoint;
  const error* reason = nullptr; ///< why, for failures and disconnects
};

/// Within the machine a long queue in the kernel wins nothing, and what waits in it leaves the caches: small
/// messages would cost up to twice as much.
inline stream_options small_message_stream() noexcept {
  stream_options options;
  options.loopback_receive_buffer_bytes = 256 << 10;
  return options;
}

struct socket_options {
  using milliseconds = std::chrono::milliseconds;

  std::string routing_id; ///< at most 255 bytes, not beginning with 0; empty: peers make one up
  std::size_t send_hwm =
      1000; ///< messages to one peer that the kernel has not taken; 0: only `send_bytes` bounds them
  std::size_t receive_hwm =
      1000; ///< messages of one peer that nobody has taken; 0: only the stream's credit bounds them
  std::optional<std::size_t>
      send_bytes; ///< bytes to one peer that the kernel has not taken; default: the loop's stream_send_bytes
  std::optional<milliseconds>
      linger; ///< how long `close` waits for unsent messages; nothing: as long as it takes

  milliseconds reconnect_interval{
      100}; ///< before a connect is tried again, plus up to as much again at random
  milliseconds reconnect_interval_max{0}; ///< the interval doubles up to this; 0: it stays
  milliseconds handshake_interval{
      30'000};                        ///< a handshake that takes longer ends the connection; 0: none does
  milliseconds heartbeat_interval{0}; ///< a PING after this long; 0: none
  milliseconds heartbeat_timeout{0};  ///< silence after which the connection ends; 0: the interval
  milliseconds heartbeat_ttl{0};      ///< silence after which the peer shall end it; 0: not said

  bool immediate = false;    ///< queue messages only for peers that are connected
  bool probe_router = false; ///< an empty message to every new peer

  bool mandatory = false; ///< ROUTER: a message for nobody is errc::unroutable instead of dropped
  bool handover =
      false; ///< ROUTER: a new peer with the routing id of another takes its place instead of being refused
  full_policy when_full = full_policy::wait; ///< ROUTER

  scan_limits limits;                   ///< of what a peer may send
  std::size_t connections_max = 16'384; ///< at once; further ones wait in the listener's backlog
  listen_options listen;
  stream_options stream = small_message_stream();

  std::function<void(const socket_event&)> on_event; ///< must not throw
};

} // namespace weir::zmtp
