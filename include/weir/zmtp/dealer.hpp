// dealer: a socket that sends to its peers in turn, skipping those whose queue is full, and receives from all
// of them fairly (RFC 28).
//
// A connect makes a queue at once: messages wait there for the peer, unless `immediate` is set. Without any
// queue that has room the sender waits.
#pragma once

#include <weir/zmtp/socket.hpp>

namespace weir::zmtp {

class dealer final : public socket {
 public:
  explicit dealer(socket_options options = socket_options());
  ~dealer() override;

 private:
  result<> admit(pipe& peer, const peer_properties& properties) override;
  result<> opened(pipe& peer) override;
  void retired(pipe& peer) noexcept override;
  send_status try_send(message& from) override;

  ring<pipe*> turn_; ///< whose turn it is: the front one first
};

} // namespace weir::zmtp
