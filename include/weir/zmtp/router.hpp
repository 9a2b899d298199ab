// router: a socket that addresses its peers by routing id (RFC 28). Received messages have the sender's id in
// front; the first frame of a message to send names the peer and is not sent.
//
// A peer's id is the one it told in its READY; a peer that told none gets one of five bytes, 0 and a number.
// A second peer with an id in use is refused, or with `handover` takes over, unless its connection is the
// older one. A message for nobody is dropped and counted, or with `mandatory` errc::unroutable. A peer whose
// queue is full makes the sender wait, or with full_policy::drop loses the message (libzmq's way without
// ROUTER_MANDATORY).
#pragma once

#include <weir/zmtp/socket.hpp>

#include <string_view>
#include <unordered_map>

namespace weir::zmtp {

class router final : public socket {
 public:
  explicit router(socket_options options = socket_options());
  ~router() override;

  /// The peer of the next `connect` gets this id, whatever it calls itself. With one that is in use the
  /// connect fails.
  void set_connect_routing_id(std::string id) { connect_routing_id_ = std::move(id); }

 private:
  result<> admit(pipe& peer, const peer_properties& properties) override;
  result<> opened(pipe& peer) override;
  void retired(pipe& peer) noexcept override;
  send_status try_send(message& from) override;
  /// Apart, so that the short way before it saves no registers.
  [[gnu::noinline]] send_status route(message& from);

  void enter(pipe& peer, std::string id);
  pipe* find(std::string_view routing_id) noexcept;
  std::string make_routing_id();

  std::unordered_map<std::string_view, pipe*> peers_; ///< keyed by the pipes' own ids
  pipe* last_found_ = nullptr;                        ///< messages tend to go where the last one went
  std::uint32_t next_id_;
  std::string connect_routing_id_;
};

} // namespace weir::zmtp
