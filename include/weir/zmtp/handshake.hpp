// handshake: the first act of a connection (RFC 37, NULL mechanism): greetings in two steps, then READY both
// ways.
//
// Cancel-safe; a deadline is the caller's. Errors name the rule that the peer broke; the connection is of no
// use then.
#pragma once

#include <weir/async/task.hpp>
#include <weir/base/lease.hpp>
#include <weir/net/stream.hpp>
#include <weir/zmtp/frame_scanner.hpp>
#include <weir/zmtp/greeting.hpp>
#include <weir/zmtp/socket_type.hpp>

#include <string>
#include <string_view>

namespace weir::zmtp {

/// What the peer told of itself.
struct peer_properties {
  peer_properties() = default;

  socket_type type = socket_type::pair;
  protocol_version version;
  std::string routing_id; ///< empty where it named none
  lease rest;             ///< bytes behind its READY
};

/// `scanner` is left behind READY and allows messages. `routing_id` must outlive the task.
task<result<peer_properties>> shake_hands(stream& connection, frame_scanner& scanner, socket_type own_type,
                                          std::string_view routing_id);

} // namespace weir::zmtp
