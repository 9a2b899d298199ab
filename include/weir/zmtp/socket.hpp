// socket: what ROUTER and DEALER share: endpoints, connections, fair queueing of what arrives, waiting for
// room, linger. How messages are addressed is the part of each type (router.hpp, dealer.hpp).
//
// Thread rule: the loop's thread. Lifetime: stays where it is; must be closed before it is destroyed
// (asserted): `co_await s.close()`. Receiving: whole messages, one from each peer in turn. Sending: a message
// is taken whole, or waits; none is split. Bounds: socket_options (per peer: messages and bytes both ways;
// connections at once). At a bound the sender waits. Cancel-safety: a receive that is cancelled takes no
// message; a send that is cancelled leaves the message with the caller.
#pragma once

#include <weir/async/event.hpp>
#include <weir/async/nursery.hpp>
#include <weir/async/task.hpp>
#include <weir/async/waiter.hpp>
#include <weir/base/result.hpp>
#include <weir/io/loop.hpp>
#include <weir/net/listener.hpp>
#include <weir/zmtp/endpoint.hpp>
#include <weir/zmtp/handshake.hpp>
#include <weir/zmtp/message.hpp>
#include <weir/zmtp/pipe.hpp>
#include <weir/zmtp/session.hpp>
#include <weir/zmtp/socket_options.hpp>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace weir::zmtp {

struct socket_counters {
  std::uint64_t messages_received = 0;
  std::uint64_t messages_sent = 0;
  std::uint64_t messages_dropped =
      0; ///< nobody has the routing id, or the peer's queue was full and the policy says drop
  std::uint64_t connections = 0; ///< handshakes that succeeded
  std::uint64_t handshakes_failed = 0;
};

class socket : private session_owner {
 public:
  class receive_awaiter;
  class send_awaiter;

  socket(const socket&) = delete;
  socket& operator=(const socket&) = delete;
  virtual ~socket();

  /// Listens. Gives the endpoint with what the system chose for wildcards. Call it from the loop.
  result<std::string> bind(std::string_view endpoint);
  /// Connects, and again whenever the connection is lost. The peer need not be there yet.
  result<> connect(std::string_view endpoint);

  /// `result<> got = co_await s.receive(message);` Replaces what was in `into`. No system call and no switch
  /// when one waits.
  receive_awaiter receive(message& into) noexcept;
  /// The same without waiting: false when none waits.
  bool try_receive(message& into);

  /// The whole message or, when it fails, nothing of it. Bodies are copied or shared, the message itself is
  /// left as it is and may be sent again; it must stay valid until the send is done.
  send_awaiter send(message& from) noexcept;
  send_awaiter send(message&& from) noexcept;

  /// Nobody is let in any more, at any endpoint that was bound; connections that stand are served on.
  void stop_accepting() noexcept { accepting_.request(); }

  /// Sends what is unsent, at most as long as `linger` says, then ends everything. What waits on the socket
  /// gets errc::closed.
  task<result<>> close();

  const socket_options& options() const noexcept { return options_; }
  const socket_counters& counters() const noexcept { return counters_; }
  /// Peers whose handshake is done.
  std::size_t connected() const noexcept { return connected_; }
  /// Waits until the number of connected peers is at least `count`.
  task<result<>> wait_connected(std::size_t count);

 protected:
  enum class send_status : std::uint8_t { sent, full, unroutable };

  socket(socket_type type, bool receives_routing_id, socket_options options);

  // --- what the types do differently ---
  /// A peer is there (again): it may be refused.
  virtual result<> admit(pipe& peer, const peer_properties& properties) = 0;
  /// A connect has made a pipe, before any peer is there: it may be refused.
  virtual result<> opened(pipe&) { return {}; }
  /// No more messages may be sent to it.
  virtual void retired(pipe& peer) noexcept = 0;
  /// Takes the message and routes it, or says why not.
  virtual send_status try_send(message& from) = 0;

  /// Encodes frames [first, …) for the peer.
  void push(pipe& to, const message& from, std::size_t first) {
    to.out.push(from, first);
    ++counters_.messages_sent;
  }
  /// The same by the short way, where that is open and the peer's queue is not full.
  bool try_push_short(pipe& to, const frame& body) noexcept {
    if (!to.out.try_push_short(body)) return false;
    ++counters_.messages_sent;
    return true;
  }
  void drop_connection(pipe& peer) noexcept;
  /// Its messages come behind those that are left of an earlier connection of the same peer.
  static void queue_behind(pipe& newcomer, pipe& earlier) noexcept;
  /// The same, where one of that routing id has messages that were not taken yet.
  void queue_behind_namesake(pipe& newcomer) noexcept;
  loop& home() noexcept { return home_; }

  socket_counters counters_;

 private:
  class waiting_receive;
  class waiting_send;
  class send_watch;

  // --- connections ---
  task<> accept_loop(listener from, std::string name);
  task<result<>> accept_next(listener& from, std::string_view name);
  task<> connect_loop(pipe& peer, address at, std::string name);
  std::chrono::milliseconds jitter_below(std::chrono::milliseconds interval) noexcept;
  task<result<>> room_for_connection();
  task<> serve_accepted(stream accepted, pipe& peer, std::string where);
  task<> serve(stream& connection, pipe& peer, std::string_view where);
  task<result<peer_properties>> greet(stream& connection, pipe& peer);
  result<> let_in(stream& connection, pipe& peer, const peer_properties& properties);
  bool keeps_queue(const pipe& peer) const noexcept;
  task<> end_connection(stream& connection, pipe& peer);
  pipe& open_pipe(bool is_persistent);
  void close_pipe(pipe& peer) noexcept;
  void release_if_done(pipe& peer) noexcept;
  void leave_queue(pipe& peer) noexcept;
  void tell(socket_event_kind kind, std::string_view where, const error* reason = nullptr);

  // --- traffic ---
  bool messages_arrived(pipe& from) noexcept override;
  bool try_take_alike(pipe& from, message& into) noexcept;
  /// True. Apart, so that the short way before it saves no registers.
  [[gnu::noinline]] bool take(pipe& from, message& into);
  void after_take(pipe& from);
  void open_short_way(pipe& from) noexcept;
  bool has_half_the_room(const pipe& from) const noexcept;
  void room_made() noexcept;
  bool has_unsent() noexcept;
  task<result<>> all_sent();
  task<> joined();
  void refuse_waiting() noexcept;

  socket_type type_;
  bool receives_routing_id_;
  bool is_closing_ = false;
  bool is_closed_ = true; ///< nothing was ever started, or all has ended
  socket_options options_;
  loop& home_;
  std::size_t send_bytes_max_;
  std::size_t receive_bytes_max_;
  std::size_t connected_ = 0;
  std::size_t open_pipes_ = 0;
  std::uint64_t connections_begun_ = 0;
  nursery tasks_;
  cancellation accepting_;
  intrusive_list<pipe, pipe_list> pipes_;
  intrusive_list<pipe, ready_list> ready_;
  intrusive_list<waiting_receive, waiter> receivers_;
  intrusive_list<waiting_send, waiter> senders_;
  event progress_{event_reset::manual}; ///< set when the kernel took bytes, when a peer came or went
};

/// What a receive is while it waits. Made only then: a receive that finds a message costs no more than a
/// call.
class socket::waiting_receive : public waiter {
 public:
  waiting_receive(socket& from, message& into) noexcept : waiter("receive"), socket_(from), into_(into) {}

  template <class Promise>
  bool await_suspend(std::coroutine_handle<Promise> awaiting) noexcept {
    return enter(awaiting) && is_let_wait();
  }
  result<> await_resume() noexcept { return outcome(); }

 private:
  friend class socket;
  bool is_let_wait() noexcept;

  socket& socket_;
  message& into_;
};

class [[nodiscard]] socket::receive_awaiter {
 public:
  receive_awaiter(socket& from, message& into) noexcept : socket_(from), into_(into) {}

  bool await_ready() { return socket_.try_receive(into_); }
  template <class Promise>
  bool await_suspend(std::coroutine_handle<Promise> awaiting) noexcept {
    return waiting_.emplace(socket_, into_).await_suspend(awaiting);
  }
  result<> await_resume() noexcept { return waiting_ ? waiting_->await_resume() : result<>(); }

 private:
  socket& socket_;
  message& into_;
  std::optional<waiting_receive> waiting_;
};

/// What a send is while it waits.
class socket::waiting_send : public waiter {
 public:
  waiting_send(socket& to, message& from) noexcept : waiter("send"), socket_(to), from_(from) {}

  template <class Promise>
  bool await_suspend(std::coroutine_handle<Promise> awaiting) noexcept {
    return enter(awaiting) && is_let_wait();
  }
  result<> await_resume() noexcept { return outcome(); }

 private:
  friend class socket;
  bool is_let_wait() noexcept;
  void settle(send_status status) noexcept;

  socket& socket_;
  message& from_;
};

class [[nodiscard]] socket::send_awaiter {
 public:
  send_awaiter(socket& to, message& from) noexcept : socket_(to), from_(from) {}

  bool await_ready() {
    status_ = socket_.is_closing_ ? send_status::full : socket_.try_send(from_);
    return status_ != send_status::full;
  }
  template <class Promise>
  bool await_suspend(std::coroutine_handle<Promise> awaiting) noexcept {
    return waiting_.emplace(socket_, from_).await_suspend(awaiting);
  }
  result<> await_resume() noexcept {
    if (waiting_) return waiting_->await_resume();
    if (status_ == send_status::unroutable) return fail(errc::unroutable, "send");
    return {};
  }

 private:
  socket& socket_;
  message& from_;
  send_status status_ = send_status::full;
  std::optional<waiting_send> waiting_;
};

inline bool socket::try_receive(message& into) {
  if (ready_.empty()) return false;
  pipe& from = *ready_.front();
  return try_take_alike(from, into) || take(from, into);
}

/// The way of most messages where there are many: one like it was received into the same message just before.
/// It costs no call.
inline bool socket::try_take_alike(pipe& from, message& into) noexcept {
  const std::size_t body = receives_routing_id_ ? 1 : 0;
  if (!from.in.is_short_way_open() || into.size() != body + 1) return false;
  if (receives_routing_id_ && !into[0].try_assign_share(from.prefix())) return false;
  if (!from.in.try_take_short(into[body])) return false;
  ++counters_.messages_received;
  return true;
}

inline socket::receive_awaiter socket::receive(message& into) noexcept {
  return {*this, into};
}
inline socket::send_awaiter socket::send(message& from) noexcept {
  return {*this, from};
}
inline socket::send_awaiter socket::send(message&& from) noexcept {
  return {*this, from};
}

} // namespace weir::zmtp
