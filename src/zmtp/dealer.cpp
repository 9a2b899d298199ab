#include <weir/zmtp/dealer.hpp>

namespace weir::zmtp {

dealer::dealer(socket_options options) : socket(socket_type::dealer, false, std::move(options)) {}

dealer::~dealer() = default;

result<> dealer::opened(pipe& peer) {
  if (options().immediate) return {};
  peer.is_routable = true;
  turn_.push_back(&peer);
  return {};
}

result<> dealer::admit(pipe& peer, const peer_properties&) {
  if (!std::exchange(peer.is_routable, true)) turn_.push_back(&peer);
  return {};
}

void dealer::retired(pipe& peer) noexcept {
  if (!std::exchange(peer.is_routable, false)) return;
  for (std::size_t left = turn_.size(); left > 0; --left)
    if (pipe* each = turn_.pop_front(); each != &peer) turn_.push_back(std::move(each));
}

socket::send_status dealer::try_send(message& from) {
  for (std::size_t left = turn_.size(); left > 0; --left) {
    pipe* to = turn_.front();
    if (turn_.size() > 1) turn_.push_back(turn_.pop_front());
    if (from.size() == 1 && try_push_short(*to, from[0])) return send_status::sent;
    if (to->out.is_full()) continue;
    push(*to, from, 0);
    return send_status::sent;
  }
  return send_status::full;
}

} // namespace weir::zmtp
