#include <weir/sim/datagram.hpp>
#include <weir/sim/datagram_socket.hpp>
#include <weir/sim/fault_plan.hpp>
#include <weir/sim/host.hpp>
#include <weir/sim/network.hpp>
#include <weir/sim/socket_names.hpp>
#include <weir/sim/world.hpp>

#include <linux/sock_diag.h>
#include <netinet/in.h>
#include <netinet/udp.h>
#include <poll.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <span>

namespace weir::sim {
namespace {

constexpr std::size_t udp_bytes_max = 65'507;
constexpr std::size_t unix_queue_max = 512;     ///< messages: net.unix.max_dgram_qlen
constexpr std::size_t bytes_of_a_message = 256; ///< that the kernel counts besides

std::size_t total_bytes(const msghdr& header) noexcept {
  std::size_t sum = 0;
  for (const iovec& piece : std::span(header.msg_iov, header.msg_iovlen)) sum += piece.iov_len;
  return sum;
}

datagram_socket* socket_at(host& there, const socket_address& to) noexcept {
  return static_cast<datagram_socket*>(there.names().find(SOCK_DGRAM, to));
}

/// A message reaches its host.
void datagram_arrives(timed_event& self) noexcept {
  auto& message = static_cast<datagram&>(self);
  world& in = message.sent_to->in();
  datagram_socket* receiver = nullptr;
  if (in.net().is_heard(*message.sent_by, *message.sent_to)) {
    receiver = socket_at(*message.sent_to, message.to);
    in.log().note(event::datagram_arrived, message.sent_to->number(), message.number,
                  message.sent_by->number(), message.bytes.size());
    if (!receiver && message.sent_by->life() == message.life)
      if (datagram_socket* const sender = socket_at(*message.sent_by, message.from);
          sender && sender->is_connected_to(message.to))
        sender->learn(ECONNREFUSED);
  }
  if (receiver)
    receiver->take(message);
  else
    message.pool.give_back(message);
}

} // namespace

datagram& datagram_pool::take() {
  if (idle_.empty()) {
    all_.push_back(std::make_unique<datagram>(*this, datagram_arrives));
    idle_.reserve(all_.size());
    idle_.push_back(all_.back().get());
  }
  datagram& fresh = *idle_.back();
  idle_.pop_back();
  return fresh;
}

datagram_socket::datagram_socket(host& home, int family)
    : home_(home), family_(family), local_(socket_address::any(family, 0)),
      peer_(socket_address::any(family, 0)) {}

datagram_socket::~datagram_socket() {
  while (!queue_.empty()) {
    datagram* const unread = queue_.pop_front();
    unread->pool.give_back(*unread);
  }
}

void datagram_socket::join(datagram_socket& one, datagram_socket& other) {
  one.joined_ = &other;
  other.joined_ = &one;
  one.is_connected_ = other.is_connected_ = true;
  one.follow(other);
  other.follow(one);
}

void datagram_socket::follow(datagram_socket& receiver) noexcept {
  list_hook<datagram_socket>::unlink();
  receiver.senders_.push_back(*this);
}

// --- names ---

int datagram_socket::bind(const sockaddr* to, socklen_t bytes) {
  socket_address wanted(to, bytes);
  if (wanted.family() != family_ || is_bound_) return -EINVAL;
  if (!is_unix() && home_.in().net().route(home_, wanted) != &home_) return -EADDRNOTAVAIL;
  const bool shares = options_.number(SOL_SOCKET, SO_REUSEPORT) != 0;
  const int outcome = home_.names().bind(*this, SOCK_DGRAM, wanted, shares);
  if (outcome != 0) return outcome;
  local_ = wanted;
  is_bound_ = true;
  return 0;
}

int datagram_socket::connect(const sockaddr* to, socklen_t bytes) {
  const socket_address wanted(to, bytes);
  if (wanted.family() == AF_UNSPEC) {
    is_connected_ = false;
    return 0;
  }
  if (wanted.family() != family_) return -EAFNOSUPPORT;
  if (is_unix()) {
    const std::string_view name = wanted.unix_name();
    datagram_socket* const there = socket_at(home_, wanted);
    const bool is_path = !name.empty() && name.front() != '\0';
    if (!there) return is_path && !home_.names().has_path(std::string(name)) ? -ENOENT : -ECONNREFUSED;
    if (!there->accepts(*this)) return -EPERM;
    follow(*there);
  } else {
    host* const there = home_.in().net().route(home_, wanted);
    if (!there) return -ENETUNREACH;
    if (!is_bound_) {
      socket_address own = home_.in().net().source_address(home_, *there, wanted);
      if (const int outcome = bind(own.raw(), own.bytes()); outcome != 0) return outcome;
    } else if (local_.is_any()) {
      const std::uint16_t port = local_.port();
      local_ = home_.in().net().source_address(home_, *there, wanted);
      local_.set_port(port);
    }
  }
  peer_ = wanted;
  is_connected_ = true;
  return 0;
}

int datagram_socket::local_name(sockaddr* into, socklen_t* bytes) {
  local_.write_to(into, bytes);
  return 0;
}

int datagram_socket::peer_name(sockaddr* into, socklen_t* bytes) {
  if (!is_connected_) return -ENOTCONN;
  peer_.write_to(into, bytes);
  return 0;
}

bool datagram_socket::is_connected_to(const socket_address& whom) const noexcept {
  return is_connected_ && peer_.port() == whom.port() && peer_.is_same_host(whom);
}

/// A connected socket hears nobody but its peer.
bool datagram_socket::accepts(const datagram_socket& from) const noexcept {
  if (!is_connected_ || joined_) return true;
  if (is_unix()) return peer_.unix_name() == from.local_.unix_name();
  return is_connected_to(from.local_);
}

// --- sending ---

int datagram_socket::destination(const msghdr& what, socket_address& to,
                                 datagram_socket*& joined) const noexcept {
  if (!what.msg_name) {
    if (!is_connected_) return is_unix() ? -ENOTCONN : -EDESTADDRREQ;
    to = peer_;
    joined = joined_;
    return 0;
  }
  to = socket_address(static_cast<const sockaddr*>(what.msg_name), what.msg_namelen);
  return to.family() == family_ ? 0 : -EAFNOSUPPORT;
}

int datagram_socket::send(const msghdr& what, int) {
  if (error_ != 0) return -std::exchange(error_, 0);
  if (has_ended_) return -EPIPE;
  socket_address to;
  datagram_socket* joined = nullptr;
  if (const int outcome = destination(what, to, joined); outcome != 0) return outcome;
  const std::size_t size = total_bytes(what);
  if (size > udp_bytes_max && (!is_unix() || size > options_.send_bytes_max())) return -EMSGSIZE;
  world& in = home_.in();
  host* const there = joined ? &home_ : in.net().route(home_, to);
  if (!there) return -ENETUNREACH;
  if (!is_unix() && !is_bound_) {
    const socket_address own = socket_address::any(family_, 0);
    if (const int outcome = bind(own.raw(), own.bytes()); outcome != 0) return outcome;
  }

  datagram& message = in.datagrams().take();
  message.number = in.next_number();
  message.sent_by = &home_;
  message.life = home_.life();
  message.sent_to = there;
  message.to = to;
  message.from = local_;
  if (!is_unix() && local_.is_any()) {
    message.from = in.net().source_address(home_, *there, to);
    message.from.set_port(local_.port());
  }
  message.bytes.clear();
  message.files.clear();
  if (is_unix())
    if (const int outcome = take_passed_files(home_, what, message.files); outcome != 0) {
      message.pool.give_back(message);
      return outcome;
    }
  for (const iovec& piece : std::span(what.msg_iov, what.msg_iovlen)) {
    const auto* const first = static_cast<const std::byte*>(piece.iov_base);
    message.bytes.insert(message.bytes.end(), first, first + piece.iov_len);
  }
  in.log().note(event::datagram_sent, home_.number(), message.number, there->number(), size);
  if (there == &home_) {
    const int outcome = deliver_within(message, joined, to);
    if (outcome < 0) {
      message.pool.give_back(message);
      return outcome;
    }
  } else {
    send_away(message, *there);
  }
  return static_cast<int>(size);
}

int datagram_socket::deliver_within(datagram& message, datagram_socket* joined,
                                    const socket_address& to) noexcept {
  datagram_socket* const receiver = joined ? joined : socket_at(home_, to);
  if (!receiver && !is_unix()) {
    if (is_connected_) learn(ECONNREFUSED);
    message.pool.give_back(message);
    return 0;
  }
  if (!receiver) return -ECONNREFUSED;
  if (is_unix() && !receiver->accepts(*this)) return -EPERM;
  if (is_unix() && receiver->is_refused_) return -EPIPE;
  if (is_unix() && !receiver->has_room_for(message.bytes.size())) return -EAGAIN;
  receiver->take(message);
  return 0;
}

void datagram_socket::send_away(datagram& message, host& there) {
  world& in = home_.in();
  fault_plan& faults = in.faults();
  if (faults.happens(fault::datagram_lost, home_.number(), message.number))
    return message.pool.give_back(message);
  std::uint64_t any_ns = 0;
  std::uint64_t at_ns = in.net().arrival_ns(home_, there, message.bytes.size(), any_ns);
  if (faults.happens(fault::datagram_reordered, home_.number(), message.number))
    at_ns += faults.amounts(fault::datagram_reordered).between(1, 50'000'000);
  if (faults.happens(fault::datagram_doubled, home_.number(), message.number)) {
    datagram& twin = in.datagrams().take();
    twin.number = message.number;
    twin.sent_by = message.sent_by;
    twin.life = message.life;
    twin.sent_to = message.sent_to;
    twin.from = message.from;
    twin.to = message.to;
    twin.bytes = message.bytes;
    in.at(at_ns + faults.amounts(fault::datagram_doubled).between(1, 10'000'000), twin);
  }
  in.at(at_ns, message);
}

// --- receiving ---

bool datagram_socket::has_room_for(std::size_t bytes) const noexcept {
  if (is_unix()) return queue_.size() < unix_queue_max;
  return queued_bytes_ + bytes + bytes_of_a_message <= options_.receive_bytes_max();
}

void datagram_socket::take(datagram& message) noexcept {
  const bool is_heard = !is_connected_ || joined_ || is_unix() || is_connected_to(message.from);
  if (!is_heard || is_refused_ || !has_room_for(message.bytes.size())) {
    if (is_heard) ++dropped_;
    return message.pool.give_back(message);
  }
  queued_bytes_ += message.bytes.size() + bytes_of_a_message;
  queue_.push_back(&message);
  changed();
}

void datagram_socket::learn(int error) noexcept {
  error_ = error;
  changed();
}

int datagram_socket::receive(msghdr& into, int flags) {
  if (error_ != 0) return -std::exchange(error_, 0);
  if (queue_.empty()) return is_refused_ ? 0 : -EAGAIN;
  datagram& message = *queue_.front();
  std::size_t done = 0;
  for (const iovec& piece : std::span(into.msg_iov, into.msg_iovlen)) {
    const std::size_t count = std::min(piece.iov_len, message.bytes.size() - done);
    if (count > 0) std::memcpy(piece.iov_base, message.bytes.data() + done, count);
    done += count;
  }
  if (into.msg_name) message.from.write_to(static_cast<sockaddr*>(into.msg_name), &into.msg_namelen);
  if (is_unix() && message.from.unix_name().empty()) into.msg_namelen = 0;
  into.msg_flags = done < message.bytes.size() ? MSG_TRUNC : 0;
  give_passed_files(home_, message.files, into);
  const std::size_t whole = message.bytes.size();
  if ((flags & MSG_PEEK) == 0) {
    (void)queue_.pop_front();
    queued_bytes_ -= whole + bytes_of_a_message;
    message.pool.give_back(message);
    for (datagram_socket* each = senders_.front(); each; each = senders_.next(*each)) each->changed();
  }
  return static_cast<int>((flags & MSG_TRUNC) != 0 ? whole : done);
}

std::size_t datagram_socket::unread_bytes() const noexcept {
  return queue_.empty() ? 0 : const_cast<ring<datagram*>&>(queue_).front()->bytes.size();
}

std::uint32_t datagram_socket::readiness() const noexcept {
  std::uint32_t ready = 0;
  if (!queue_.empty() || is_refused_ || error_ != 0) ready |= POLLIN;
  if (error_ != 0) ready |= POLLERR;
  if (is_refused_) ready |= POLLRDHUP;
  if (is_refused_ && has_ended_) ready |= POLLHUP;
  if (!is_connected_ || !is_unix()) return ready | POLLOUT;
  const datagram_socket* const there = joined_ ? joined_ : socket_at(home_, peer_);
  return !there || there->has_room_for(0) ? ready | POLLOUT : ready;
}

// --- the rest ---

int datagram_socket::shutdown(int how) {
  if (!is_connected_) return -ENOTCONN;
  if (how != SHUT_WR) is_refused_ = true;
  if (how != SHUT_RD) has_ended_ = true;
  changed();
  return 0;
}

int datagram_socket::get_option(int level, int name, void* value, socklen_t* bytes) {
  if (level == IPPROTO_UDP) return -ENOPROTOOPT; // nothing of the kernel cuts or joins datagrams
  if (level != SOL_SOCKET) return options_.get(level, name, value, bytes);
  switch (name) {
  case SO_TYPE:
    return answer_option(SOCK_DGRAM, value, bytes);
  case SO_DOMAIN:
    return answer_option(family_, value, bytes);
  case SO_ACCEPTCONN:
    return answer_option(0, value, bytes);
  case SO_ERROR:
    return answer_option(std::exchange(error_, 0), value, bytes);
  case SO_MEMINFO: {
    std::array<std::uint32_t, SK_MEMINFO_VARS> told{};
    told[SK_MEMINFO_DROPS] = dropped_;
    const std::size_t room = std::min<std::size_t>(*bytes, sizeof told);
    std::memcpy(value, told.data(), room);
    *bytes = static_cast<socklen_t>(room);
    return 0;
  }
  default:
    return options_.get(level, name, value, bytes);
  }
}

int datagram_socket::set_option(int level, int name, const void* value, socklen_t bytes) {
  if (level == IPPROTO_UDP) return -ENOPROTOOPT;
  return options_.set(level, name, value, bytes);
}

void datagram_socket::closed() noexcept {
  if (is_bound_) home_.names().unbind(*this);
  list_hook<datagram_socket>::unlink();
  while (datagram_socket* const sender = senders_.pop_front()) sender->changed();
  if (datagram_socket* const other = std::exchange(joined_, nullptr)) {
    other->joined_ = nullptr;
    other->learn(ECONNREFUSED);
  }
}

} // namespace weir::sim
