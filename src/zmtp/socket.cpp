#include <weir/async/shield.hpp>
#include <weir/async/with_deadline.hpp>
#include <weir/zmtp/socket.hpp>

#include <array>

namespace weir::zmtp {

std::string_view name_of(socket_event_kind kind) noexcept {
  static constexpr std::array<std::string_view, 8> names = {
      "listening",           "accepted",         "connected",    "connect failed",
      "handshake succeeded", "handshake failed", "disconnected", "accept failed"};
  return names[static_cast<std::size_t>(kind)];
}

socket::socket(socket_type type, bool receives_routing_id, socket_options options)
    : type_(type), receives_routing_id_(receives_routing_id), options_(std::move(options)),
      home_(*loop::current()),
      send_bytes_max_(options_.send_bytes.value_or(home_.options().stream_send_bytes)),
      receive_bytes_max_(options_.stream.credit_bytes.value_or(home_.options().stream_credit_bytes)),
      tasks_(nursery_options(options_.connections_max + 64, nursery_policy::isolate)),
      accepting_(&tasks_.scope()) {}

socket::~socket() {
  assert(is_closed_ && "a socket was destroyed before it was closed");
}

// --- receiving ---

bool socket::take(pipe& from, message& into) {
  if (receives_routing_id_) into.overwrite(0).assign_share(from.prefix());
  from.in.take(into, receives_routing_id_ ? 1 : 0);
  ++counters_.messages_received;
  after_take(from);
  return true;
}

/// One message from each in turn; a session that waits for room goes on.
void socket::after_take(pipe& from) {
  list_hook<ready_list>& turn = from;
  turn.unlink();
  if (from.in.has_message()) ready_.push_back(from);
  open_short_way(from);
  if (from.waits_for_room && has_half_the_room(from)) from.room.set();
  if (from.in.has_message()) return;
  if (incoming::is_short(home_.buffers())) from.in.unpin_all();
  release_if_done(from);
}

/// As long as nothing is due but its next message: it is no other's turn, its session need not be told.
void socket::open_short_way(pipe& from) noexcept {
  const std::uint64_t due_at = from.few_messages + 1;
  const bool is_sole = ready_.has_at_most_one();
  from.in.open_short_way(is_sole && from.in.messages() > due_at ? from.in.messages() - due_at : 0);
}

bool socket::has_half_the_room(const pipe& from) const noexcept {
  if (!from.in.has_message()) return true;
  const bool few = options_.receive_hwm == 0 || from.in.messages() <= from.few_messages;
  return few && from.in.pinned_bytes() <= receive_bytes_max_ / 2;
}

bool socket::messages_arrived(pipe& from) noexcept {
  list_hook<ready_list>& turn = from;
  if (!turn.is_linked() && !from.earlier) {
    if (!ready_.empty()) ready_.front()->in.close_short_way(); // it was alone
    ready_.push_back(from);
  }
  bool has_woken = false;
  while (!ready_.empty()) {
    waiting_receive* const waiting = receivers_.front();
    if (!waiting) break;
    has_woken = true;
    try {
      try_receive(waiting->into_);
      waiting->wake();
    } catch (const std::bad_alloc&) {
      waiting->wake_with(error(std::errc::not_enough_memory, "receive"));
    }
  }
  return has_woken;
}

bool socket::waiting_receive::is_let_wait() noexcept {
  if (socket_.is_closing_) {
    fail_with(error(errc::closed, "receive"));
    return false;
  }
  socket_.receivers_.push_back(*this);
  wait();
  return true;
}

// --- sending ---

bool socket::waiting_send::is_let_wait() noexcept {
  if (socket_.is_closing_) {
    fail_with(error(errc::closed, "send"));
    return false;
  }
  socket_.senders_.push_back(*this);
  wait();
  return true;
}

void socket::waiting_send::settle(send_status status) noexcept {
  if (status == send_status::sent) wake();
  if (status == send_status::unroutable) wake_with(error(errc::unroutable, "send"));
}

/// Whoever waits may have its way now. In the order in which they came, but none holds up those who write to
/// other peers.
void socket::room_made() noexcept {
  for (waiting_send* waiting = senders_.front(); waiting;) {
    waiting_send* next = senders_.next(*waiting);
    try {
      waiting->settle(try_send(waiting->from_));
    } catch (const std::bad_alloc&) {
      waiting->wake_with(error(std::errc::not_enough_memory, "send"));
    }
    waiting = next;
  }
  progress_.set();
}

// --- closing ---

bool socket::has_unsent() noexcept {
  for (pipe* each = pipes_.front(); each; each = pipes_.next(*each))
    if (!each->out.is_empty()) return true;
  return false;
}

task<result<>> socket::all_sent() {
  result<> outcome;
  while (outcome && has_unsent()) {
    progress_.reset();
    outcome = co_await progress_.wait();
  }
  co_return outcome;
}

task<result<>> socket::wait_connected(std::size_t count) {
  result<> outcome;
  while (outcome && connected_ < count && !is_closing_) {
    progress_.reset();
    outcome = co_await progress_.wait();
  }
  if (outcome && connected_ < count) outcome = fail(errc::closed, "wait_connected");
  co_return outcome;
}

void socket::refuse_waiting() noexcept {
  while (waiting_receive* waiting = receivers_.front()) waiting->wake_with(error(errc::closed, "receive"));
  while (waiting_send* waiting = senders_.front()) waiting->wake_with(error(errc::closed, "send"));
  progress_.set();
}

task<result<>> socket::close() {
  is_closing_ = true;
  stop_accepting();
  refuse_waiting();
  result<> sent;
  if (options_.linger) {
    sent = co_await with_deadline(*options_.linger, all_sent());
  } else {
    sent = co_await all_sent();
  }
  tasks_.cancel();
  co_await shield(joined());
  while (pipe* left = pipes_.front()) {
    left->is_persistent = false;
    close_pipe(*left);
  }
  is_closed_ = true;
  co_return sent;
}

task<> socket::joined() {
  (void)co_await tasks_.join();
}

} // namespace weir::zmtp
