#include <weir/zmtp/big_endian.hpp>
#include <weir/zmtp/router.hpp>

namespace weir::zmtp {

router::router(socket_options options)
    : socket(socket_type::router, true, std::move(options)),
      next_id_(static_cast<std::uint32_t>(home().random())) {}

router::~router() = default;

/// Five bytes, the first of them 0, which no peer may choose (RFC 28).
std::string router::make_routing_id() {
  std::byte bytes[5] = {};
  store_big_endian(bytes + 1, next_id_++);
  return {reinterpret_cast<const char*>(bytes), sizeof bytes};
}

result<> router::opened(pipe& peer) {
  if (connect_routing_id_.empty()) return {};
  std::string id = std::exchange(connect_routing_id_, {});
  if (find(id)) return fail(errc::invalid_argument, "the given routing id is in use");
  peer.has_given_id = true;
  enter(peer, std::move(id));
  return {};
}

result<> router::admit(pipe& peer, const peer_properties& properties) {
  if (peer.has_given_id && peer.is_routable) return {};
  std::string id = properties.routing_id;
  if (peer.has_given_id || id.empty()) id = peer.routing_id(); // of an earlier connection
  if (id.empty()) id = make_routing_id();
  pipe* other = find(id);
  if (other == &peer) return {};
  if (other) {
    // Of two connections the later one is the peer's own, whichever of their handshakes came first: it gave
    // up the other, whose bytes were long under way.
    const bool is_outdated = peer.connection_number < other->connection_number;
    if (!options().handover || is_outdated)
      return fail(errc::protocol, "the routing id of the peer is in use");
    retired(*other);
    drop_connection(*other);
    queue_behind(peer, *other);
  }
  retired(peer); // it came back under another name
  enter(peer, std::move(id));
  if (!other) queue_behind_namesake(peer);
  return {};
}

void router::enter(pipe& peer, std::string id) {
  peer.set_routing_id(std::move(id));
  peers_.emplace(peer.routing_id(), &peer);
  peer.is_routable = true;
}

void router::retired(pipe& peer) noexcept {
  if (!std::exchange(peer.is_routable, false)) return;
  if (last_found_ == &peer) last_found_ = nullptr;
  peers_.erase(peer.routing_id());
}

pipe* router::find(std::string_view routing_id) noexcept {
  if (last_found_ && last_found_->routing_id() == routing_id) return last_found_;
  const auto found = peers_.find(routing_id);
  if (found == peers_.end()) return nullptr;
  last_found_ = found->second;
  return last_found_;
}

socket::send_status router::try_send(message& from) {
  pipe* const last = last_found_;
  if (last && from.size() == 2 && last->prefix().equals_short(from[0]) && try_push_short(*last, from[1]))
    return send_status::sent;
  return route(from);
}

socket::send_status router::route(message& from) {
  pipe* to = from.empty() ? nullptr : find(from.front().text());
  if (!to && options().mandatory) return send_status::unroutable;
  if (to && to->out.is_full()) {
    if (options().when_full == full_policy::wait) return send_status::full;
    to = nullptr;
  }
  if (!to || from.size() == 1) {
    ++counters_.messages_dropped;
    return send_status::sent;
  }
  push(*to, from, 1);
  return send_status::sent;
}

} // namespace weir::zmtp
