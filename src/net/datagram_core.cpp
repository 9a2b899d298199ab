#include "datagram_core.hpp"

#include "control_data.hpp"

#include <weir/io/system_calls.hpp>

#include <linux/sock_diag.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <new>

namespace weir {
namespace {

/// Larger ones are left where they are: copying them costs more than it saves.
constexpr std::size_t packed_max_bytes = 4096;
/// As a block of its own is aligned.
constexpr std::size_t packed_alignment = 16;

} // namespace

datagram_core::datagram_core(loop& home, descriptor socket, const datagram_core_options& options)
    : memory_holder(report_held), work([](work& self) noexcept {
        auto& me = static_cast<datagram_core&>(self);
        me.awaits_slots_ = false;
        me.go_on_when_possible();
      }),
      home_(home), descriptor_(socket.get()), options_(options),
      control_((options.control_bytes_max + sizeof(std::uint64_t) - 1) / sizeof(std::uint64_t)),
      receive_(*this, descriptor_, std::as_writable_bytes(std::span(control_)),
               [](operation& op, completion&& what) noexcept {
                 datagram_core& self = static_cast<owned<receive_message_many_operation>&>(op).owner;
                 what.more ? self.on_message(std::move(what)) : self.on_receive_ended(what.result);
               }),
      close_(*this, descriptor_, [](operation& op, completion&&) noexcept {
        delete &static_cast<owned<close_operation>&>(op).owner;
      }) {
  socket.release(); // nothing can fail any more
  home_.add_holder(*this);
}

held_memory datagram_core::report_held(const memory_holder& self) {
  const auto& me = static_cast<const datagram_core&>(self);
  held_memory held;
  held.kind = "datagrams";
  held.descriptor = me.descriptor_;
  for (std::size_t i = 0; i < me.queue_.size(); ++i) held.unread_bytes += me.queue_[i].raw.size();
  held.held_bytes = me.slots_.slots() * me.home_.buffers().slot_bytes();
  held.is_paused = me.paused_;
  held.is_over_share = me.awaits_slots_;
  held.moved = me.receive_.started_at_ns();
  return held;
}

// --- receiving ---

void datagram_core::start_receiving() noexcept {
  paused_ = false;
  await_no_slots();
  home_.start(receive_);
}

void datagram_core::pause() noexcept {
  paused_ = true;
  ++home_.counters().receives_paused;
  home_.cancel(receive_); // what is under way is kept
}

void datagram_core::on_message(completion&& what) noexcept {
  home_.buffers().charge(*what.data.owner(), slots_);
  queued_message message(std::move(what.data));
  // Before anything else: whatever becomes of the message, its descriptors have an owner.
  const message_view view = view_of(message);
  message.were_descriptors_lost = view.is_control_truncated();
  message.descriptors =
      take_descriptors(view.control(), options_.descriptors_max, message.were_descriptors_lost);
  if (!abandoned_) keep(std::move(message));
}

void datagram_core::keep(queued_message&& message) noexcept {
  if (queue_.size() >= options_.queue_max && options_.at_bound != when_queue_is_full::pause) {
    ++dropped_;
    if (options_.at_bound == when_queue_is_full::drop_newest) return;
    queue_.pop_front();
  }
  if (!queue_.empty()) message.raw = packed(std::move(message.raw));
  try {
    queue_.push_back(std::move(message));
  } catch (const std::bad_alloc&) {
    ++dropped_;
  }
  const bool is_full = queue_.size() >= options_.queue_max && options_.at_bound == when_queue_is_full::pause;
  const bool is_over_share =
      home_.buffers().is_over_share(slots_); // the kernel keeps or drops what comes then
  if ((is_full || is_over_share) && !paused_) pause();
  arrived_.set();
}

/// A copy in the slot that small datagrams share, or the message itself where it is large or no slot is free.
lease datagram_core::packed(lease&& raw) noexcept {
  if (raw.size() > packed_max_bytes || raw.pinned_bytes() < 2 * packed_max_bytes) return std::move(raw);
  if (pack_.owner() && pack_.is_sole_owner()) packed_bytes_ = 0;
  if (!pack_.owner() || pack_.size() - packed_bytes_ < raw.size()) {
    pack_ = home_.buffers().acquire();
    if (!pack_.owner()) return std::move(raw);
    home_.buffers().charge(*pack_.owner(), slots_);
    pack_memory_ = pack_.writable().data();
    packed_bytes_ = 0;
  }
  std::memcpy(pack_memory_ + packed_bytes_, raw.data(), raw.size());
  lease copy = pack_.share(packed_bytes_, raw.size());
  packed_bytes_ += (raw.size() + packed_alignment - 1) / packed_alignment * packed_alignment;
  packed_bytes_ = std::min(packed_bytes_, pack_.size());
  return copy;
}

void datagram_core::on_receive_ended(int result) noexcept {
  if (abandoned_) return close_when_idle();
  if (paused_ && result == -ECANCELED)
    return go_on_when_possible(); // the reader may have caught up meanwhile
  failure_ = error::from_errno(result, "receive");
  arrived_.set();
}

void datagram_core::go_on_when_possible() noexcept {
  if (!paused_ || awaits_slots_ || !receive_.is_idle() || queue_.size() > options_.queue_max / 2) return;
  if (home_.buffers().may_have_more(slots_)) return start_receiving();
  ++home_.counters().receives_over_share;
  home_.when_slots_return(*this);
  awaits_slots_ = true;
}

void datagram_core::await_no_slots() noexcept {
  if (awaits_slots_) home_.no_longer_when_slots_return(*this);
  awaits_slots_ = false;
}

queued_message datagram_core::take() noexcept {
  queued_message oldest = queue_.pop_front();
  if (queue_.empty()) pack_.reset(); // an idle socket holds no memory
  go_on_when_possible();
  return oldest;
}

task<result<void>> datagram_core::readable() {
  while (queue_.empty()) {
    if (failure_) {
      error why = *std::exchange(failure_, std::nullopt);
      if (receive_.is_idle()) start_receiving();
      co_return fail(std::move(why));
    }
    arrived_.reset();
    result<void> woken = co_await arrived_.wait();
    if (!woken) co_return fail(std::move(woken).error());
  }
  co_return result<void>{};
}

datagram_losses datagram_core::losses() const noexcept {
  std::array<std::uint32_t, SK_MEMINFO_VARS> told{};
  socklen_t size = sizeof told;
  calls().getsockopt(descriptor_, SOL_SOCKET, SO_MEMINFO, told.data(), &size);
  return {dropped_, told[SK_MEMINFO_DROPS]};
}

// --- the end ---

void abandon_datagram_core::operator()(datagram_core* orphan) const noexcept {
  orphan->abandon();
}

void datagram_core::abandon() noexcept {
  abandoned_ = true;
  await_no_slots();
  home_.buffers().close(slots_); // what readers keep outlives the socket
  queue_.clear();
  pack_.reset();
  home_.cancel(receive_);
  close_when_idle();
}

void datagram_core::close_when_idle() noexcept {
  if (receive_.is_idle() && sends_ == 0 && close_.is_idle()) home_.start(close_);
}

} // namespace weir
