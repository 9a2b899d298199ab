#include <weir/sim/connection.hpp>
#include <weir/sim/host.hpp>
#include <weir/sim/network.hpp>
#include <weir/sim/stream_socket.hpp>
#include <weir/sim/world.hpp>

#include <poll.h>

#include <algorithm>
#include <cerrno>
#include <utility>

namespace weir::sim {
namespace {

constexpr std::uint64_t first_retry_ns = 200'000'000;
constexpr std::uint64_t last_retry_ns = 120'000'000'000;
constexpr std::uint64_t patience_of_tcp_ns = 900'000'000'000;

std::size_t bytes_of(const msghdr& header) noexcept {
  std::size_t sum = 0;
  for (const iovec& piece : std::span(header.msg_iov, header.msg_iovlen)) sum += piece.iov_len;
  return sum;
}

} // namespace

connection::way::way(connection& of, unsigned from_side) noexcept
    : owner(of), from(from_side), arrival(*this,
                                          [](timed_event& self) noexcept {
                                            way& me = static_cast<way_event&>(self).of;
                                            me.owner.arrive(me);
                                          }),
      credit(*this,
             [](timed_event& self) noexcept {
               way& me = static_cast<way_event&>(self).of;
               me.owner.credit_way(me);
             }),
      reset(*this, [](timed_event& self) noexcept {
        way& me = static_cast<way_event&>(self).of;
        me.owner.reset_arrives(me);
      }) {}

connection::connection(world& in, bool is_local, const party& first, const party& second)
    : world_(in), number_(in.next_number()), is_local_(is_local),
      sides_{side_state{first, first.at->life()}, side_state{second, second.at->life()}},
      ways_{way(*this, 0), way(*this, 1)} {
  for (way& each : ways_) {
    const party& sender = sides_[each.from].what;
    each.bytes.open(sender.send_bytes_max + sides_[1 - each.from].what.receive_bytes_max);
  }
}

connection::~connection() {
  for (way& each : ways_)
    for (auto* event : {&each.arrival, &each.credit, &each.reset}) world_.cancel(*event);
}

void connection::tell(unsigned side) noexcept {
  if (sides_[side].what.socket) sides_[side].what.socket->connection_changed();
}

void connection::delete_when_alone() noexcept {
  if (!sides_[0].what.socket && !sides_[1].what.socket) delete this;
}

// --- sending ---

int connection::send(unsigned side, const msghdr& what) noexcept {
  way& out = ways_[side];
  if (const int error = take_error(side); error != 0) return -error;
  const bool has_peer = sides_[1 - side].what.socket != nullptr;
  if (out.is_ending || sides_[side].is_reset || (is_local_ && (!has_peer || out.is_refused))) return -EPIPE;
  const std::size_t wanted = bytes_of(what);
  std::size_t count = std::min(wanted, out.bytes.room());
  if (count == 0) return wanted == 0 ? 0 : -EAGAIN;
  fault_plan& faults = world_.faults();
  if (count > 1 && faults.happens(fault::partial_send, sides_[side].what.at->number(), number_))
    count = faults.amounts(fault::partial_send).between(1, count);
  if (is_local_ && what.msg_controllen > 0) {
    if (const int refused = take_files(out, what, count); refused != 0) return refused;
  }
  out.bytes.write(std::span(what.msg_iov, what.msg_iovlen), count);
  start_way(out, count);
  return static_cast<int>(count);
}

int connection::take_files(way& which, const msghdr& from, std::size_t bytes) {
  std::vector<passed_file> files;
  if (const int refused = take_passed_files(*sides_[which.from].what.at, from, files); refused != 0)
    return refused;
  const std::uint64_t begin = which.bytes.written();
  if (!files.empty()) which.passed.push_back({begin, begin + bytes, std::move(files)});
  return 0;
}

void connection::start_way(way& which, std::size_t bytes) noexcept {
  host& from = *sides_[which.from].what.at;
  const host& to = *sides_[1 - which.from].what.at;
  world_.log().note(event::sent, from.number(), number_, to.number(), bytes);
  if (is_within_host() && which.free_at_ns <= world_.now_ns() && which.under_way.empty()) {
    which.bytes.arrive(which.bytes.written());
    if (sides_[1 - which.from].what.socket) return tell(1 - which.from);
    return send_reset(1 - which.from, ECONNRESET); // nobody is there any more
  }
  if (!is_within_host()) meet_faults(which);
  which.free_at_ns =
      std::max(which.free_at_ns, world_.net().arrival_ns(from, to, bytes, which.link_free_at_ns));
  which.under_way.push_back({which.bytes.written(), which.free_at_ns});
  if (!which.arrival.is_scheduled()) world_.at(which.under_way.front().at_ns, which.arrival);
}

/// What may befall a connection between two hosts whenever something is sent.
void connection::meet_faults(way& which) noexcept {
  const host& from = *sides_[which.from].what.at;
  const host& to = *sides_[1 - which.from].what.at;
  fault_plan& faults = world_.faults();
  if (faults.happens(fault::black_hole, from.number(), number_))
    ways_[0].is_black_hole = ways_[1].is_black_hole = true;
  if (faults.happens(fault::partition, from.number(), to.number()))
    world_.net().part_for(from, to, faults.amounts(fault::partition).between(1'000'000, 20'000'000'000));
  if (faults.happens(fault::reset, from.number(), number_)) { // by something on the way: both sides get it
    send_reset(which.from, ECONNRESET);
    send_reset(1 - which.from, ECONNRESET);
  }
  if (faults.happens(fault::half_close, from.number(), number_)) which.is_ending = true;
}

/// Of the bytes, and of the end behind them.
void connection::arrive(way& which) noexcept {
  host& from = *sides_[which.from].what.at;
  side_state& receiver = sides_[1 - which.from];
  if (which.is_black_hole || !world_.net().is_heard(from, *receiver.what.at)) return try_again(which);
  which.silent_since_ns = which.retry_ns = 0;
  const bool knows_nothing = receiver.has_vanished || receiver.life != receiver.what.at->life();
  if (knows_nothing || (!receiver.what.socket && !which.under_way.empty())) {
    which.under_way.clear();
    return send_reset(1 - which.from, ECONNRESET);
  }
  const std::uint64_t before = which.bytes.arrived();
  while (!which.under_way.empty() && which.under_way.front().at_ns <= world_.now_ns())
    which.bytes.arrive(which.under_way.pop_front().end);
  const std::uint64_t count = which.bytes.arrived() - before;
  world_.log().note(event::arrived, receiver.what.at->number(), number_, from.number(), count);
  if (!which.under_way.empty())
    world_.at(which.under_way.front().at_ns, which.arrival);
  else if (which.is_ending)
    end_way(which);
  tell(1 - which.from);
}

void connection::try_again(way& which) noexcept {
  const std::uint64_t now_ns = world_.now_ns();
  if (which.silent_since_ns == 0) which.silent_since_ns = now_ns;
  if (now_ns - which.silent_since_ns >= patience_of_tcp_ns) return break_side(which.from, ETIMEDOUT);
  which.retry_ns = std::clamp(2 * which.retry_ns, first_retry_ns, last_retry_ns);
  world_.after(which.retry_ns, which.arrival);
}

// --- receiving ---

int connection::receive(unsigned side, msghdr& into, int flags) noexcept {
  way& in = ways_[1 - side];
  into.msg_namelen = 0;
  const std::size_t control_room = std::exchange(into.msg_controllen, 0);
  into.msg_flags = 0;
  const std::size_t wanted = bytes_of(into);
  std::size_t count = std::min(wanted, in.bytes.unread());
  if (!in.passed.empty())
    count = std::min(count, static_cast<std::size_t>(in.passed.front().end - in.bytes.read_so_far()));
  if (count == 0) {
    if (wanted == 0 && in.bytes.unread() > 0) return 0;
    if (const int error = take_error(side); error != 0) return -error;
    return in.has_ended || in.is_refused || sides_[side].is_reset ? 0 : -EAGAIN;
  }
  const bool is_peek = (flags & MSG_PEEK) != 0;
  const bool was_full = in.bytes.room() == 0;
  in.bytes.read(std::span(into.msg_iov, into.msg_iovlen), count, is_peek);
  if (is_peek) return static_cast<int>(count);
  give_files(in, into, control_room);
  if (is_within_host()) {
    in.bytes.credit();
    if (was_full || sides_[1 - side].what.socket) tell(1 - side);
  } else if (!in.credit.is_scheduled()) {
    const host& from = *sides_[side].what.at;
    std::uint64_t any_ns = 0;
    world_.at(world_.net().arrival_ns(from, *sides_[1 - side].what.at, 0, any_ns), in.credit);
  }
  return static_cast<int>(count);
}

/// Those that came with what was read.
void connection::give_files(way& which, msghdr& into, std::size_t control_room) noexcept {
  if (which.passed.empty() || which.bytes.read_so_far() <= which.passed.front().begin) return;
  std::vector<passed_file> files = std::move(which.passed.front().files);
  which.passed.pop_front();
  into.msg_controllen = control_room;
  give_passed_files(*sides_[1 - which.from].what.at, files, into);
}

/// An acknowledgement that is lost is made good by the next, or by a probe of the window.
void connection::credit_way(way& which) noexcept {
  if (!world_.net().is_heard(*sides_[1 - which.from].what.at, *sides_[which.from].what.at)) {
    world_.after(first_retry_ns, which.credit);
    return;
  }
  which.bytes.credit();
  tell(which.from);
}

// --- the end ---

int connection::shutdown(unsigned side, int how) noexcept {
  if (sides_[side].is_reset) return -ENOTCONN;
  if (how != SHUT_WR) {
    ways_[1 - side].is_refused = true;
    if (is_local_) tell(1 - side);
  }
  if (how != SHUT_RD) schedule_end(ways_[side]);
  tell(side);
  return 0;
}

/// The end of a way comes behind its last byte.
void connection::schedule_end(way& which) noexcept {
  if (std::exchange(which.is_ending, true)) return;
  if (is_within_host() && which.under_way.empty()) {
    end_way(which);
    return tell(1 - which.from);
  }
  std::uint64_t any_ns = 0;
  const host& from = *sides_[which.from].what.at;
  const std::uint64_t at_ns = world_.net().arrival_ns(from, *sides_[1 - which.from].what.at, 0, any_ns);
  which.free_at_ns = std::max(which.free_at_ns, at_ns);
  if (which.under_way.empty()) world_.at(which.free_at_ns, which.arrival);
}

void connection::end_way(way& which) noexcept {
  if (std::exchange(which.has_ended, true)) return;
  world_.log().note(event::ended, sides_[1 - which.from].what.at->number(), number_,
                    sides_[which.from].what.at->number());
}

void connection::close(unsigned side, bool is_reset) noexcept {
  way& in = ways_[1 - side];
  const bool has_unread = in.bytes.unread() > 0;
  sides_[side].what.socket = nullptr;
  const std::deque<way::passing> never_taken = std::move(in.passed); // closed when all else is done
  if (!sides_[1 - side].what.socket) return delete_when_alone();
  if (is_reset || (has_unread && !sides_[side].is_reset))
    send_reset(side, ECONNRESET);
  else
    schedule_end(ways_[side]);
}

void connection::vanish(unsigned side) noexcept {
  sides_[side].what.socket = nullptr;
  sides_[side].has_vanished = true;
  delete_when_alone();
}

// --- resets ---

/// From `side` to the other, overtaking what is under way there.
void connection::send_reset(unsigned side, int error) noexcept {
  way& out = ways_[side];
  sides_[1 - side].error_to_come = error;
  if (is_within_host()) return reset_arrives(out);
  if (out.reset.is_scheduled()) return;
  std::uint64_t any_ns = 0;
  const host& from = *sides_[side].what.at;
  const std::uint64_t at_ns = world_.net().arrival_ns(from, *sides_[1 - side].what.at, 0, any_ns);
  world_.at(at_ns, out.reset);
}

void connection::reset_arrives(way& which) noexcept {
  const unsigned side = 1 - which.from;
  if (which.is_black_hole || !world_.net().is_heard(*sides_[which.from].what.at, *sides_[side].what.at))
    return; // lost; what is sent next is answered by another
  break_side(side, sides_[side].error_to_come);
}

/// No byte passes any more, in either direction.
void connection::break_side(unsigned side, int error) noexcept {
  side_state& broken = sides_[side];
  if (std::exchange(broken.is_reset, true) || !broken.what.socket) return;
  world_.log().note(event::reset, broken.what.at->number(), number_, sides_[1 - side].what.at->number());
  way& in = ways_[1 - side];
  way& out = ways_[side];
  broken.error = in.has_ended ? EPIPE : error; // the end was known: only who writes is told
  world_.cancel(in.arrival);
  in.under_way.clear();
  in.bytes.lose_rest();
  world_.cancel(out.arrival);
  out.under_way.clear();
  out.is_ending = true;
  tell(side);
}

int connection::take_error(unsigned side) noexcept {
  return std::exchange(sides_[side].error, 0);
}

// --- what is seen of it ---

std::uint32_t connection::readiness(unsigned side) const noexcept {
  const way& in = ways_[1 - side];
  const way& out = ways_[side];
  const side_state& me = sides_[side];
  std::uint32_t ready = 0;
  const bool reads_no_more = in.has_ended || in.is_refused || me.is_reset;
  if (in.bytes.unread() > 0 || reads_no_more || me.error != 0) ready |= POLLIN;
  if (reads_no_more) ready |= POLLRDHUP;
  const bool is_peer_gone = is_local_ && !sides_[1 - side].what.socket;
  // Writable again at a third of the whole (sk_stream_is_writeable of Linux), so that small sends do not
  // trickle.
  const bool has_room = out.bytes.room() * 3 >= out.bytes.capacity();
  if (has_room || out.is_ending || me.is_reset || me.error != 0 || is_peer_gone) ready |= POLLOUT;
  if (me.error != 0) ready |= POLLERR;
  if (me.is_reset || is_peer_gone || (reads_no_more && out.is_ending)) ready |= POLLHUP;
  return ready;
}

std::size_t connection::unsent_bytes(unsigned side) const noexcept {
  return static_cast<std::size_t>(ways_[side].bytes.unsent());
}

} // namespace weir::sim
