// The life of a socket's connections: accepting, connecting again and again, and what happens between a
// handshake and an end.

#include <weir/async/shield.hpp>
#include <weir/async/sleep.hpp>
#include <weir/async/with_deadline.hpp>
#include <weir/zmtp/command.hpp>
#include <weir/zmtp/socket.hpp>

#include <algorithm>
#include <array>
#include <new>

namespace weir::zmtp {
namespace {

using std::chrono::milliseconds;

/// Where the system must be given time: an accept that failed for want of descriptors.
constexpr milliseconds accept_pause{100};

/// A peer that was refused has this long to take our greeting.
constexpr milliseconds farewell_max{100};

result<address> address_of(const endpoint& where) {
  if (where.kind == transport::inproc)
    return fail(error(std::errc::not_supported, "transport").at(to_string(where)));
  if (where.kind == transport::tcp)
    return address::ip(where.host == "localhost" ? "127.0.0.1" : where.host, where.port);
  if (where.path.starts_with('@')) return address::unix_abstract(std::string_view(where.path).substr(1));
  return address::unix_path(where.path);
}

endpoint endpoint_of(const address& at) {
  if (at.is_unix()) return {transport::ipc, at.host()};
  return {at.host(), at.port()};
}

/// What a peer could not be told: the handshake has no room for it.
result<> check_routing_id(std::string_view id) {
  if (id.size() > identity_bytes_max) return fail(errc::invalid_argument, "routing id longer than 255 bytes");
  if (id.starts_with('\0')) return fail(errc::invalid_argument, "routing id begins with 0");
  return {};
}

/// An empty message, as it goes onto the wire.
constexpr std::array<std::byte, short_header_bytes> probe{};

/// What the system shall choose: a name that nobody else uses.
std::string make_ipc_path(std::uint64_t random) {
  return "/tmp/weir-" + std::to_string(random);
}

} // namespace

// --- the ends of a connection ---

result<std::string> socket::bind(std::string_view text) {
  if (is_closing_) return fail(errc::closed, "bind");
  if (auto checked = check_routing_id(options_.routing_id); !checked) return fail(checked.error());
  auto where = parse_endpoint(text);
  if (!where) return fail(std::move(where).error());
  if (where->kind == transport::ipc && where->path == "*") where->path = make_ipc_path(home_.random());
  auto at = address_of(*where);
  if (!at) return fail(std::move(at).error());
  auto made = listener::bind(*at, options_.listen);
  if (!made) return fail(std::move(made).error());

  std::string bound = to_string(endpoint_of(made->local_address()));
  task<> accepting = accept_loop(std::move(*made), bound);
  if (!tasks_.try_spawn(std::move(accepting))) return fail(errc::limit_reached, "connections_max");
  is_closed_ = false;
  tell(socket_event_kind::listening, bound);
  return bound;
}

result<> socket::connect(std::string_view text) {
  if (is_closing_) return fail(errc::closed, "connect");
  if (auto checked = check_routing_id(options_.routing_id); !checked) return checked;
  auto where = parse_endpoint(text);
  if (!where) return fail(std::move(where).error());
  if (where->is_wildcard()) return fail(error(errc::invalid_argument, "connect to a wildcard").at(text));
  auto at = address_of(*where);
  if (!at) return fail(std::move(at).error());

  pipe& peer = open_pipe(true);
  result<> made;
  try {
    made = opened(peer);
    if (made && !tasks_.try_spawn(connect_loop(peer, *at, to_string(*where))))
      made = fail(errc::limit_reached, "connections_max");
  } catch (const std::bad_alloc&) {
    close_pipe(peer);
    throw;
  }
  if (!made) {
    close_pipe(peer);
    return made;
  }
  is_closed_ = false;
  room_made(); // for who waits because there was nobody to send to
  return {};
}

/// What goes wrong with one connection must not keep the next ones away.
task<> socket::accept_loop(listener from, std::string name) {
  for (;;) {
    error why(std::errc::not_enough_memory, "accept");
    try {
      result<> accepted = co_await accept_next(from, name).under(&accepting_);
      if (accepted) continue;
      why = std::move(accepted).error();
    } catch (const std::bad_alloc&) { // is what `why` says
    }
    if (why.is_cancelled()) break;
    tell(socket_event_kind::accept_failed, name, &why);
    (void)co_await sleep_for(accept_pause);
  }
  try {
    co_await from.close(); // so that whoever closes this socket may bind another to the endpoint at once
  } catch (const std::bad_alloc&) { // then it goes with this frame
  }
}

task<result<>> socket::accept_next(listener& from, std::string_view name) {
  result<> outcome = co_await room_for_connection();
  if (!outcome) co_return outcome;
  result<stream> accepted = co_await from.accept(options_.stream);
  if (!accepted) co_return fail(std::move(accepted).error());
  tell(socket_event_kind::accepted, name);
  pipe& peer = open_pipe(false);
  try {
    outcome = co_await tasks_.spawn(serve_accepted(std::move(*accepted), peer, std::string(name)));
  } catch (const std::bad_alloc&) {
    outcome = fail(std::errc::not_enough_memory, "accept");
  }
  if (!outcome) close_pipe(peer);
  co_return outcome;
}

/// At the bound further connections wait in the listener.
task<result<>> socket::room_for_connection() {
  result<> outcome;
  while (outcome && open_pipes_ >= options_.connections_max) {
    progress_.reset();
    outcome = co_await progress_.wait();
  }
  co_return outcome;
}

task<> socket::serve_accepted(stream accepted, pipe& peer, std::string where) {
  try {
    co_await serve(accepted, peer, where);
  } catch (const std::bad_alloc&) { // the end of this connection only
  }
  close_pipe(peer);
}

task<> socket::connect_loop(pipe& peer, address at, std::string name) {
  cancellation* scope = co_await current_cancellation();
  milliseconds interval = options_.reconnect_interval;
  while (!scope->is_requested()) {
    error why(std::errc::not_enough_memory, "connect");
    bool was_connected = false;
    try {
      result<stream> made = co_await stream::connect(at, options_.stream);
      was_connected = made.has_value();
      if (made) {
        tell(socket_event_kind::connected, name);
        co_await serve(*made, peer, name);
      } else {
        why = std::move(made).error();
      }
    } catch (const std::bad_alloc&) { // is what `why` says
    }
    if (was_connected)
      interval = options_.reconnect_interval;
    else
      tell(socket_event_kind::connect_failed, name, &why);
    (void)co_await sleep_for(interval + jitter_below(interval));
    if (options_.reconnect_interval_max > interval)
      interval = std::min(interval * 2, options_.reconnect_interval_max);
  }
}

/// So that those who lost their peer at the same moment do not come back at the same moment.
std::chrono::milliseconds socket::jitter_below(milliseconds interval) noexcept {
  const auto jitter_max = static_cast<std::uint64_t>(std::max<std::int64_t>(interval.count(), 0));
  return milliseconds(home_.random() % (jitter_max + 1));
}

// --- one connection ---

/// What sees a connection's sends go: each makes room, and one that fails ends the connection, whatever can
/// still be received. Outlives the connection.
class socket::send_watch {
 public:
  send_watch(socket& owner, stream& connection, cancellation* parent) noexcept
      : scope_(parent), owner_(owner), connection_(connection) {
    connection.on_bytes_sent([](void* self) noexcept { static_cast<send_watch*>(self)->moved(); }, this);
  }
  send_watch(const send_watch&) = delete;
  send_watch& operator=(const send_watch&) = delete;

  cancellation& scope() noexcept { return scope_; }
  error reason(error otherwise) const { return connection_.write_error().value_or(std::move(otherwise)); }

 private:
  void moved() noexcept {
    if (connection_.write_error()) scope_.request();
    owner_.room_made();
  }

  cancellation scope_;
  socket& owner_;
  stream& connection_;
};

task<result<peer_properties>> socket::greet(stream& connection, pipe& peer) {
  const bool has_limit = options_.handshake_interval.count() != 0;
  const deadline limit = has_limit ? deadline(options_.handshake_interval) : deadline::never();
  try {
    co_return co_await with_deadline(limit,
                                     shake_hands(connection, peer.in.scanner(), type_, options_.routing_id));
  } catch (const std::bad_alloc&) { // no reason to lose more than this connection
  }
  co_return fail(std::errc::not_enough_memory, "handshake");
}

/// What stands between the handshake and the first message. May fail, and then the peer was never there.
result<> socket::let_in(stream& connection, pipe& peer, const peer_properties& properties) {
  result<> admitted;
  try {
    admitted = admit(peer, properties);
    if (!admitted) return admitted;
    if (options_.probe_router) connection.output().append_copy(probe); // in front of what waited
    peer.out.attach(connection);
  } catch (const std::bad_alloc&) {
    if (!keeps_queue(peer)) retired(peer);
    admitted = fail(std::errc::not_enough_memory, "connection");
  }
  return admitted;
}

/// What is not sent waits for the next connection.
bool socket::keeps_queue(const pipe& peer) const noexcept {
  return peer.is_persistent && !options_.immediate && !peer.is_ended;
}

task<> socket::serve(stream& connection, pipe& peer, std::string_view where) {
  peer.connection_number = ++connections_begun_;
  task<> ending = end_connection(connection, peer); // made now: at the end there may be no memory
  send_watch sends(*this, connection, co_await current_cancellation());
  result<peer_properties> properties = co_await greet(connection, peer).under(&sends.scope());
  result<> admitted;
  if (properties) admitted = let_in(connection, peer, *properties);
  if (!properties || !admitted) {
    const error why = sends.reason(properties ? std::move(admitted).error() : std::move(properties).error());
    ++counters_.handshakes_failed;
    tell(socket_event_kind::handshake_failed, where, &why);
    peer.in.end_of_connection();
    // RFC 37 wants the peer to learn from our greeting why it is refused.
    (void)co_await with_deadline(farewell_max, connection.close());
    co_return;
  }

  ++connected_;
  ++counters_.connections;
  peer.is_connected = true;
  tell(socket_event_kind::handshake_succeeded, where);
  room_made();

  peer.connection_scope = &sends.scope();
  session current(*this, connection, peer, options_);
  error ended(std::errc::not_enough_memory, "session");
  try {
    ended = co_await current.run(std::move(properties->rest)).under(&sends.scope());
  } catch (const std::bad_alloc&) { // is what `ended` says
  }
  const error why = sends.reason(std::move(ended));
  peer.connection_scope = nullptr;
  co_await std::move(ending);
  tell(socket_event_kind::disconnected, where, &why);
}

/// What was not sent waits for the next connection, if there will be one.
task<> socket::end_connection(stream& connection, pipe& peer) {
  --connected_;
  peer.is_connected = false;
  peer.in.end_of_connection();
  if (!keeps_queue(peer)) retired(peer);
  peer.out.begin_detach();
  outbound unsent(home_.send_buffers());
  try {
    co_await connection.abort(unsent);
  } catch (const std::bad_alloc&) {
    connection = stream(); // and what was not sent goes with it
  }
  if (!peer.is_persistent) unsent.clear();
  peer.out.end_detach(unsent);
  room_made();
}

void socket::drop_connection(pipe& peer) noexcept {
  if (peer.connection_scope) peer.connection_scope->request();
}

// --- pipes ---

pipe& socket::open_pipe(bool is_persistent) {
  auto* made = new pipe(options_.limits, home_.send_buffers(), options_.send_hwm, send_bytes_max_);
  made->is_persistent = is_persistent;
  pipes_.push_back(*made);
  ++open_pipes_;
  return *made;
}

/// It gets no further connection; its messages can still be taken.
void socket::close_pipe(pipe& peer) noexcept {
  retired(peer);
  peer.is_ended = true;
  if (is_closing_) {
    static_cast<list_hook<ready_list>&>(peer).unlink();
    leave_queue(peer);
  }
  release_if_done(peer);
}

void socket::release_if_done(pipe& peer) noexcept {
  const bool is_ready = static_cast<list_hook<ready_list>&>(peer).is_linked();
  if (!peer.is_ended || is_ready || peer.earlier) return;
  leave_queue(peer);
  static_cast<list_hook<pipe_list>&>(peer).unlink();
  delete &peer;
  --open_pipes_;
  progress_.set();
}

void socket::queue_behind(pipe& newcomer, pipe& earlier) noexcept {
  pipe* last = &earlier;
  while (last->later) last = last->later;
  if (last == &newcomer || newcomer.earlier || last->is_persistent) return; // one that persists never goes
  last->later = &newcomer;
  newcomer.earlier = last;
}

void socket::queue_behind_namesake(pipe& newcomer) noexcept {
  for (pipe* each = ready_.front(); each; each = ready_.next(*each))
    if (each != &newcomer && each->routing_id() == newcomer.routing_id())
      return queue_behind(newcomer, *each);
}

/// Whoever was behind it moves up; where that one becomes the first, its messages can be taken.
void socket::leave_queue(pipe& peer) noexcept {
  pipe* const before = std::exchange(peer.earlier, nullptr);
  pipe* const next = std::exchange(peer.later, nullptr);
  if (before) before->later = next;
  if (!next) return;
  next->earlier = before;
  if (before || is_closing_) return;
  if (next->in.has_message())
    messages_arrived(*next);
  else
    release_if_done(*next);
}

void socket::tell(socket_event_kind kind, std::string_view where, const error* reason) {
  if (options_.on_event) options_.on_event(socket_event{kind, where, reason});
}

} // namespace weir::zmtp
