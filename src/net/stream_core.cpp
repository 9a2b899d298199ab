#include "stream_core.hpp"

#include <weir/io/system_calls.hpp>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdint>
#include <new>

namespace weir {

stream::core::core(loop& home, descriptor socket, const stream_options& options) noexcept
    : memory_holder(report_held), unread(options.credit_bytes.value_or(home.options().stream_credit_bytes)),
      home_(home), send_max_bytes_(static_cast<std::uint32_t>(std::min<std::size_t>(
                       options.send_bytes.value_or(home.options().stream_send_bytes), UINT32_MAX))),
      descriptor_(socket.release()) {
  make_receive();
  home_.add_holder(*this);
}

void stream::core::make_receive() noexcept {
  std::construct_at(&receive_, *this, descriptor_, [](operation& op, completion&& what) noexcept {
    static_cast<owned<receive_many_operation>&>(op).owner.on_received(std::move(what));
  });
}

stream::core::~core() {
  if (closing_)
    std::destroy_at(&close_);
  else
    std::destroy_at(&receive_);
}

held_memory stream::core::report_held(const memory_holder& self) {
  const auto& me = static_cast<const core&>(self);
  held_memory held;
  held.kind = "stream";
  held.descriptor = me.descriptor_;
  held.unread_bytes = me.unread.pinned_bytes();
  held.unsent_bytes = me.unsent_bytes();
  held.held_bytes = me.slots_.slots() * me.home_.buffers().slot_bytes();
  held.is_paused = me.paused_ && !me.suspended_;
  held.is_over_share = me.awaits_slots_;
  held.is_full = !me.is_drained();
  if (me.awaits_slots_)
    held.moved = me.wait_.since_ns;
  else
    held.moved = held.is_paused && !me.closing_ ? me.receive_.started_at_ns() : me.sent_bytes_;
  return held;
}

// --- receiving ---

void stream::core::start_receiving() noexcept {
  paused_ = suspended_ = false;
  home_.start(receive_);
}

task<> stream::core::receiving_suspended() {
  await_no_slots();
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
  home_.buffers().charge(*what.data.owner(), slots_);
  try {
    unread.push(std::move(what.data));
  } catch (const std::bad_alloc&) {
    read_errno_ = ENOMEM;
    paused_ = true;
  }
  if (!paused_ && must_pause()) {
    paused_ = true;
    ++home_.counters().receives_paused;
  }
  if (paused_) home_.cancel(receive_);
  arrived.set();
}

bool stream::core::must_pause() const noexcept {
  return unread.must_pause() || is_in_the_way() || home_.buffers().is_over_share(slots_);
}

void stream::core::on_receive_ended(int result) noexcept {
  if (abandoned_) return close_when_idle();
  if (result == 0) end_of_file_seen();
  if (result < 0 && !(paused_ && result == -ECANCELED)) read_errno_ = -result;
  bytes_taken(); // the reader may have caught up while the receive was being cancelled
  arrived.set();
}

void stream::core::bytes_taken() noexcept {
  if (!paused_ || suspended_ || awaits_slots_ || is_receiving() || has_ended()) return;
  if (!unread.may_resume() || is_in_the_way()) return;
  if (home_.buffers().may_have_more(slots_)) return start_receiving();
  // Whoever keeps what was received here may keep it for long, and nothing tells this stream when he does
  // not.
  await_slots();
}

stream::core::slot_wait::slot_wait(core& of) noexcept
    : work([](work& self) noexcept {
        core& me = static_cast<slot_wait&>(self).owner;
        me.wait_ended();
        me.bytes_taken();
      }),
      owner(of), since_ns(of.home_.now_ns()) {}

void stream::core::await_slots() noexcept {
  ++home_.counters().receives_over_share;
  std::destroy_at(&receive_);
  std::construct_at(&wait_, *this);
  awaits_slots_ = true;
  home_.when_slots_return(wait_);
}

void stream::core::await_no_slots() noexcept {
  if (!awaits_slots_) return;
  home_.no_longer_when_slots_return(wait_);
  wait_ended();
}

void stream::core::wait_ended() noexcept {
  std::destroy_at(&wait_);
  awaits_slots_ = false;
  make_receive();
}

/// Slots are few, and this stream has its share: the rest is for streams that have none.
bool stream::core::is_in_the_way() const noexcept {
  return !unread.empty() && home_.buffers().is_low();
}

// --- sending ---

outbound& stream::core::unsent() {
  if (!sending_) {
    const auto told = [](void* self, int result) noexcept { static_cast<core*>(self)->on_sent(result); };
    sending_ = std::make_unique<stream_sending>(home_, descriptor_, told, this);
  }
  return sending_->unsent;
}

outbound& stream::core::lasting_unsent() {
  keeps_sending_ = true;
  return unsent();
}

void stream::core::schedule_send() noexcept {
  if (sending_ && !has_write_error()) sending_->schedule();
}

void stream::core::on_sent(int result) noexcept {
  if (result >= 0)
    sent_bytes_ += static_cast<std::uint64_t>(result);
  else
    end_writing(-result);
  if (abandoned_) return close_when_idle();
  schedule_send();
  if (sending_->unsent.empty() && !keeps_sending_) sending_.reset();
  sent.set();
  if (notify_sent_) notify_sent_(notify_context_);
}

/// What was to follow is never sent. Behind EPIPE and ECONNRESET the peer's end is on its way, perhaps with
/// last words before it. Behind any other failure, of memory for one, nothing would come: neither side is
/// left to wait for the other.
void stream::core::end_writing(int reason) noexcept {
  write_errno_ = reason;
  const bool is_the_peers = reason == EPIPE || reason == ECONNRESET;
  if (is_the_peers || abandoned_) return;
  is_cut_ = true;
  calls().shutdown(descriptor_, SHUT_RDWR);
}

// --- the end ---

void stream::core::abandon() noexcept {
  abandoned_ = true;
  await_no_slots();
  home_.buffers().close(slots_); // what readers keep outlives the stream
  home_.cancel(receive_);
  if (sending_) sending_->cancel();
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
  if (is_receiving() || is_sending()) return;
  if (rescue_ && sending_) rescue_->splice(sending_->unsent);
  if (closed_) drop_unread_input();
  std::destroy_at(&receive_);
  closing_ = true;
  std::construct_at(&close_, *this, descriptor_, [](operation& op, completion&&) noexcept {
    core& self = static_cast<owned<close_operation>&>(op).owner;
    if (self.closed_) self.closed_->set();
    delete &self;
  });
  home_.start(close_);
}

/// close(2) with unread input makes TCP send a reset, at which it forgets what it has taken from us but not
/// yet delivered. Bounded, because the peer may send on and on.
void stream::core::drop_unread_input() noexcept {
  constexpr int pieces_max = 256;
  std::array<std::byte, std::size_t{16} << 10> dropped;
  for (int i = 0; i < pieces_max; ++i)
    if (calls().recv(descriptor_, dropped.data(), dropped.size(), MSG_DONTWAIT) <= 0) return;
}

} // namespace weir
