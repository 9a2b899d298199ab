#include <weir/sim/fault_plan.hpp>
#include <weir/sim/host.hpp>
#include <weir/sim/network.hpp>
#include <weir/sim/socket_names.hpp>
#include <weir/sim/stream_socket.hpp>
#include <weir/sim/world.hpp>

#include <poll.h>

#include <algorithm>
#include <cerrno>

namespace weir::sim {
namespace {

constexpr std::uint64_t first_request_again_ns = 1'000'000'000;
constexpr unsigned requests_max = 7; // tcp_syn_retries is 6

} // namespace

stream_socket::stream_socket(host& home, int family)
    : home_(home), family_(family), life_(home.life()), local_(socket_address::any(family, 0)),
      peer_(socket_address::any(family, 0)),
      request_(*this,
               [](timed_event& self) noexcept { static_cast<handshake_event&>(self).of.request_arrives(); }),
      answer_(*this,
              [](timed_event& self) noexcept { static_cast<handshake_event&>(self).of.answer_arrives(); }) {}

stream_socket::~stream_socket() {
  home_.in().cancel(request_);
  home_.in().cancel(answer_);
}

void stream_socket::attach(connection& made, unsigned side) noexcept {
  connection_ = &made;
  side_ = side;
}

void stream_socket::join(stream_socket& one, stream_socket& other) {
  auto* const made = new connection(
      one.home_.in(), true,
      {&one.home_, &one, one.options_.send_bytes_max(), one.options_.receive_bytes_max()},
      {&other.home_, &other, other.options_.send_bytes_max(), other.options_.receive_bytes_max()});
  one.attach(*made, 0);
  other.attach(*made, 1);
  one.state_ = other.state_ = state::connected;
}

// --- names ---

int stream_socket::bind(const sockaddr* to, socklen_t bytes) {
  socket_address wanted(to, bytes);
  if (wanted.family() != family_ || is_bound_) return -EINVAL;
  const bool is_own = is_unix() || home_.in().net().route(home_, wanted) == &home_;
  if (!is_own) return -EADDRNOTAVAIL;
  const bool shares = options_.number(SOL_SOCKET, SO_REUSEPORT) != 0;
  const int outcome = home_.names().bind(*this, SOCK_STREAM, wanted, shares);
  if (outcome != 0) return outcome;
  local_ = wanted;
  is_bound_ = true;
  return 0;
}

int stream_socket::local_name(sockaddr* into, socklen_t* bytes) {
  local_.write_to(into, bytes);
  return 0;
}

int stream_socket::peer_name(sockaddr* into, socklen_t* bytes) {
  if (state_ != state::connected) return -ENOTCONN;
  peer_.write_to(into, bytes);
  return 0;
}

// --- listening ---

int stream_socket::listen(int backlog) {
  if (state_ != state::fresh && state_ != state::listening) return -EINVAL;
  if (!is_bound_) {
    const int outcome = bind(local_.raw(), local_.bytes());
    if (outcome != 0) return outcome;
  }
  state_ = state::listening;
  backlog_max_ = static_cast<std::size_t>(std::clamp(backlog, 0, 4096));
  return 0;
}

file_ref stream_socket::accept(int& error) {
  error = state_ != state::listening ? -EINVAL : -EAGAIN;
  if (state_ != state::listening || waiting_.empty()) return file_ref();
  error = 0;
  return waiting_.pop_front();
}

/// The end of a connection on this host, for a client that connects to this listener.
stream_socket& stream_socket::make_accepted(stream_socket& from, host& of_client) {
  auto* const accepted = new stream_socket(home_, family_);
  file_ref keeps(accepted);
  accepted->options_ = options_;
  accepted->local_ = is_unix() ? local_ : from.peer_;
  accepted->peer_ = from.local_;
  accepted->state_ = state::connected;
  auto* const made =
      new connection(home_.in(), is_unix(),
                     {&of_client, &from, from.options_.send_bytes_max(), from.options_.receive_bytes_max()},
                     {&home_, accepted, options_.send_bytes_max(), options_.receive_bytes_max()});
  from.attach(*made, 0);
  accepted->attach(*made, 1);
  waiting_.push_back(std::move(keeps));
  home_.in().log().note(event::accepted, home_.number(), made->number(), of_client.number());
  changed();
  return *accepted;
}

// --- connecting ---

int stream_socket::connect(const sockaddr* to, socklen_t bytes) {
  if (state_ == state::connecting) return -EALREADY;
  if (state_ == state::connected) return -EISCONN;
  if (state_ == state::listening) return -EINVAL;
  const socket_address wanted(to, bytes);
  if (wanted.family() != family_) return -EAFNOSUPPORT;
  if (is_unix()) return connect_unix(wanted);

  to_ = home_.in().net().route(home_, wanted);
  if (!to_) return -ENETUNREACH;
  peer_ = wanted;
  if (!is_bound_) {
    local_ = home_.in().net().source_address(home_, *to_, wanted);
    local_.set_port(home_.names().ephemeral_port(SOCK_STREAM));
  }
  state_ = state::connecting;
  retries_ = 0;
  retry_ns_ = first_request_again_ns;
  home_.in().log().note(event::connecting, home_.number(), 0, to_->number());
  if (to_ == &home_)
    request_arrives();
  else
    home_.in().after(one_way_ns(*to_), request_);
  if (state_ == state::connected) return 0;
  return state_ == state::connecting ? -EINPROGRESS : connect_outcome();
}

int stream_socket::connect_unix(const socket_address& to) {
  auto* const listener = static_cast<stream_socket*>(home_.names().find(SOCK_STREAM, to));
  const std::string_view name = to.unix_name();
  const bool is_path = !name.empty() && name.front() != '\0';
  if (!listener && is_path && !home_.names().has_path(std::string(name))) return -ENOENT;
  if (!listener || listener->state_ != state::listening) return -ECONNREFUSED;
  if (!listener->has_room_in_backlog()) return -EAGAIN;
  peer_ = to;
  listener->make_accepted(*this, home_);
  state_ = state::connected;
  return 0;
}

std::uint64_t stream_socket::one_way_ns(const host& to) noexcept {
  std::uint64_t any_ns = 0;
  world& in = home_.in();
  return in.net().arrival_ns(home_, to, 0, any_ns) - in.now_ns();
}

void stream_socket::request_arrives() {
  world& in = home_.in();
  if (!in.net().is_heard(home_, *to_)) return send_request_again();
  auto* const listener = static_cast<stream_socket*>(to_->names().find(SOCK_STREAM, peer_));
  const bool is_remote = to_ != &home_;
  const bool listens = listener && listener->state_ == state::listening;
  if (!listens || (is_remote && in.faults().happens(fault::connection_refused, to_->number()))) {
    error_ = ECONNREFUSED;
  } else if (!listener->has_room_in_backlog() ||
             (is_remote && in.faults().happens(fault::backlog_full, to_->number()))) {
    return send_request_again();
  } else {
    listener->make_accepted(*this, home_);
  }
  if (!is_remote) return answer_arrives();
  const std::uint64_t knows_ns = in.now_ns() + one_way_ns(*to_);
  if (connection_) connection_->hears_from(side_, knows_ns);
  in.at(knows_ns, answer_);
}

void stream_socket::send_request_again() {
  if (++retries_ == requests_max) {
    error_ = ETIMEDOUT;
    return home_.in().after(retry_ns_, answer_);
  }
  home_.in().after(retry_ns_, request_);
  retry_ns_ *= 2;
}

void stream_socket::answer_arrives() {
  state_ = connection_ ? state::connected : state::refused;
  if (connection_)
    home_.in().log().note(event::connected, home_.number(), connection_->number(), to_->number());
  changed();
}

int stream_socket::connect_outcome() {
  if (state_ == state::connecting) return -EINPROGRESS;
  if (state_ == state::refused) {
    state_ = state::fresh;
    return -std::exchange(error_, 0);
  }
  return state_ == state::connected ? 0 : -ENOTCONN;
}

// --- bytes ---

int stream_socket::receive(msghdr& into, int flags) {
  if (state_ == state::listening) return -EINVAL;
  if (state_ == state::connecting) return -EAGAIN;
  return connection_ ? connection_->receive(side_, into, flags) : -ENOTCONN;
}

int stream_socket::send(const msghdr& what, int) {
  if (state_ == state::connecting) return -EAGAIN;
  if (!connection_) return is_unix() ? -ENOTCONN : -EPIPE;
  return connection_->send(side_, what);
}

int stream_socket::shutdown(int how) {
  if (how != SHUT_RD && how != SHUT_WR && how != SHUT_RDWR) return -EINVAL;
  return connection_ ? connection_->shutdown(side_, how) : -ENOTCONN;
}

std::size_t stream_socket::unread_bytes() const noexcept {
  return connection_ ? connection_->unread_bytes(side_) : 0;
}

std::size_t stream_socket::unsent_bytes() const noexcept {
  return connection_ ? connection_->unsent_bytes(side_) : 0;
}

std::uint32_t stream_socket::readiness() const noexcept {
  switch (state_) {
  case state::listening:
    return waiting_.empty() ? 0 : POLLIN;
  case state::connecting:
    return 0;
  case state::refused:
    return POLLIN | POLLOUT | POLLERR | POLLHUP;
  case state::fresh:
    return POLLOUT | POLLHUP;
  case state::connected:
    return connection_ ? connection_->readiness(side_) : POLLOUT | POLLHUP;
  }
  return 0;
}

// --- options ---

int stream_socket::get_option(int level, int name, void* value, socklen_t* bytes) {
  if (level != SOL_SOCKET) return options_.get(level, name, value, bytes);
  switch (name) {
  case SO_ACCEPTCONN:
    return answer_option(state_ == state::listening, value, bytes);
  case SO_TYPE:
    return answer_option(SOCK_STREAM, value, bytes);
  case SO_DOMAIN:
    return answer_option(family_, value, bytes);
  case SO_ERROR:
    if (state_ == state::refused) return answer_option(-connect_outcome(), value, bytes);
    return answer_option(connection_ ? connection_->take_error(side_) : 0, value, bytes);
  default:
    return options_.get(level, name, value, bytes);
  }
}

int stream_socket::set_option(int level, int name, const void* value, socklen_t bytes) {
  return options_.set(level, name, value, bytes);
}

// --- the end ---

void stream_socket::closed() noexcept {
  home_.in().cancel(request_);
  home_.in().cancel(answer_);
  if (is_bound_) home_.names().unbind(*this);
  const bool is_crashed = !home_.is_up() || home_.life() != life_;
  if (connection* const over = std::exchange(connection_, nullptr)) {
    if (is_crashed)
      over->vanish(side_);
    else
      over->close(side_, options_.resets_at_close());
  }
  while (!waiting_.empty()) static_cast<stream_socket&>(*waiting_.pop_front()).reset_unaccepted();
  state_ = state::fresh;
}

/// It waited in the backlog of a listener that is gone: its client gets a reset.
void stream_socket::reset_unaccepted() noexcept {
  connection* const over = std::exchange(connection_, nullptr);
  if (!over) return;
  if (!home_.is_up() || home_.life() != life_)
    over->vanish(side_);
  else
    over->close(side_, true);
}

} // namespace weir::sim
