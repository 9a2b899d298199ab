#include "stream_core.hpp"

#include <new>

namespace weir {

stream::core::core(loop& home, descriptor socket, const stream_options& options) noexcept
    : memory_holder(report_held), unread(options.credit_bytes.value_or(home.options().stream_credit_bytes)),
      unsent(home.send_buffers()), home_(home), descriptor_(socket.release()),
      send_max_bytes_(options.send_bytes.value_or(home.options().stream_send_bytes)),
      receive_(*this, descriptor_,
               [](operation& op, completion&& what) noexcept {
                 static_cast<owned<receive_many_operation>&>(op).owner.on_received(std::move(what));
               }),
      send_(*this, descriptor_,
            [](operation& op, completion&& what) noexcept {
              static_cast<owned<send_gathered_operation>&>(op).owner.on_sent(what.result);
            }),
      close_(*this, descriptor_,
             [](operation& op, completion&&) noexcept {
               core& self = static_cast<owned<close_operation>&>(op).owner;
               if (self.closed_) self.closed_->set();
               delete &self;
             }),
      end_of_turn_(*this,
                   [](work& item) noexcept { static_cast<owned<work>&>(item).owner.send_gathered(); }) {
  home_.add_holder(*this);
}

held_memory stream::core::report_held(const memory_holder& self) {
  const auto& me = static_cast<const core&>(self);
  held_memory held;
  held.kind = "stream";
  held.descriptor = me.descriptor_;
  held.unread_bytes = me.unread.pinned_bytes();
  held.unsent_bytes = me.unsent.bytes();
  held.is_paused = me.paused_ && !me.suspended_;
  if (const auto peer = address::remote_of(me.descriptor_)) held.name = peer->to_string();
  return held;
}

// --- receiving ---

void stream::core::start_receiving() noexcept {
  paused_ = suspended_ = false;
  home_.start(receive_);
}

task<> stream::core::receiving_suspended() {
  paused_ = suspended_ = true;
  home_.cancel(receive_);
  while (is_receiving()) {
    arrived.reset();
    (void)co_await arrived.wait();
  }
}

void stream::core::resume_receiving() noexcept {
  suspended_ = false;
  bytes_taken();
}

void stream::core::on_received(completion&& what) noexcept {
  if (!what.more) return on_receive_ended(what.result);
  if (abandoned_) return;
  try {
    unread.push(std::move(what.data));
  } catch (const std::bad_alloc&) {
    read_error_ = error(std::errc::not_enough_memory, "receive");
    paused_ = true;
  }
  if (!paused_ && (unread.must_pause() || is_in_the_way())) {
    paused_ = true;
    ++home_.counters().receives_paused;
  }
  if (paused_) home_.cancel(receive_);
  arrived.set();
}

void stream::core::on_receive_ended(int result) noexcept {
  if (abandoned_) return close_when_idle();
  if (result == 0) end_of_file_ = true;
  if (result < 0 && !(paused_ && result == -ECANCELED)) read_error_ = error::from_errno(result, "receive");
  bytes_taken(); // the reader may have caught up while the receive was being cancelled
  arrived.set();
}

void stream::core::bytes_taken() noexcept {
  if (!paused_ || suspended_ || is_receiving() || has_ended()) return;
  if (unread.may_resume() && !is_in_the_way()) start_receiving();
}

/// Slots are few, and this stream has its share: the rest is for streams that have none.
bool stream::core::is_in_the_way() const noexcept {
  return !unread.empty() && home_.buffers().is_low();
}

// --- sending ---

void stream::core::schedule_send() noexcept {
  if (send_scheduled_ || !send_.is_idle() || unsent.empty()) return;
  send_scheduled_ = true;
  home_.at_end_of_turn(end_of_turn_);
}

void stream::core::send_gathered() noexcept {
  send_scheduled_ = false;
  if (abandoned_) return close_when_idle();
  if (write_error_) return;
  send_.set_pieces(vectors_.data(), unsent.gather(vectors_));
  home_.start(send_);
}

void stream::core::on_sent(int result) noexcept {
  if (result >= 0) {
    sent_bytes_ += static_cast<std::uint64_t>(result);
    unsent.consume(static_cast<std::size_t>(result));
  } else {
    write_error_ = error::from_errno(result, "send");
  }
  if (abandoned_) return close_when_idle();
  if (!write_error_) schedule_send();
  sent.set();
  if (notify_sent_) notify_sent_(notify_context_);
}

// --- the end ---

void stream::core::abandon() noexcept {
  abandoned_ = true;
  home_.cancel(receive_);
  home_.cancel(send_);
  close_when_idle();
}

task<> stream::core::closed(core* orphan, outbound* rescue) {
  event done(event_reset::manual);
  orphan->closed_ = &done;
  orphan->rescue_ = rescue;
  orphan->abandon();
  (void)co_await done.wait();
}

void stream::core::close_when_idle() noexcept {
  if (!receive_.is_idle() || !send_.is_idle() || send_scheduled_) return;
  if (rescue_) rescue_->splice(unsent);
  if (closed_) drop_unread_input();
  home_.start(close_);
}

/// close(2) with unread input makes TCP send a reset, at which it forgets what it has taken from us but not
/// yet delivered. Bounded, because the peer may send on and on.
void stream::core::drop_unread_input() noexcept {
  constexpr int pieces_max = 256;
  std::array<std::byte, std::size_t{16} << 10> dropped;
  for (int i = 0; i < pieces_max; ++i)
    if (::recv(descriptor_, dropped.data(), dropped.size(), MSG_DONTWAIT) <= 0) return;
}

} // namespace weir
