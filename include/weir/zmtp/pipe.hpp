// pipe: what a socket has of one peer: its routing id, the messages that came from it and those on their way
// to it. A pipe of a connecting socket outlives its connections; one that was accepted ends with its
// connection, but not before its messages are taken.
//
// Thread rule: the loop's thread. Lifetime: owned by its socket.
#pragma once

#include <weir/async/event.hpp>
#include <weir/base/intrusive.hpp>
#include <weir/zmtp/incoming.hpp>
#include <weir/zmtp/outgoing.hpp>

#include <cstdint>
#include <string>
#include <string_view>

namespace weir::zmtp {

struct ready_list; ///< tag: pipes with whole messages
struct pipe_list;  ///< tag: all pipes of a socket

class pipe : public list_hook<ready_list>, public list_hook<pipe_list> {
 public:
  pipe(const scan_limits& limits, buffer_pool& chunks, std::size_t send_hwm, std::size_t send_bytes) noexcept
      : in(limits), out(chunks, send_hwm, send_bytes) {}

  std::string_view routing_id() const noexcept { return routing_id_; }
  void set_routing_id(std::string id) {
    routing_id_ = std::move(id);
    prefix_ = frame(std::string_view(routing_id_));
  }
  /// The routing id as a frame, for envelopes.
  const frame& prefix() const noexcept { return prefix_; }

  incoming in;
  outgoing out;
  event room{event_reset::manual}; ///< set when messages were taken down to half of the bound
  bool waits_for_room = false;     ///< its session has stopped reading
  std::uint64_t few_messages = 0;  ///< so many are left when its session may go on, or 0 when it did not stop
  bool is_connected = false;       ///< the handshake is done, and the connection stands
  bool is_persistent = false;      ///< belongs to a connect: waits for the next connection when one ends
  bool has_given_id = false;       ///< its routing id was given by `set_connect_routing_id`
  bool is_routable = false;        ///< messages may be sent to it
  bool is_ended = false;           ///< no connection will come: it goes when its messages are taken
  std::uint64_t connection_number = 0;      ///< of its latest connection: a later one has a greater number
  cancellation* connection_scope = nullptr; ///< ends the connection; null without one

  // A peer that came back may have messages of an earlier connection here still: those are taken first.
  pipe* earlier = nullptr; ///< that of the connection before, until it goes
  pipe* later = nullptr;   ///< whose messages wait until this one goes

 private:
  std::string routing_id_;
  frame prefix_;
};

} // namespace weir::zmtp
