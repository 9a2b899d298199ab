// outgoing: messages on their way to one peer, encoded at once into the bytes that will go over the wire.
// Without a connection they wait here; with one they go into the output of its stream and leave with
// everything else at the end of the turn.
//
// Bound: `messages_max` messages that the kernel has not taken (0: any number), and `bytes_max` bytes, in
// which each message counts 8 bytes for its entry besides; at either `is_full`. The socket decides what
// happens then. A message is taken whole or not at all, so one message may exceed `bytes_max`.
// A lost connection: what the kernel had not begun to take is kept for the next one; a message cut in the
// middle goes with its connection. Thread rule: the loop's thread.
#pragma once

#include <weir/base/copy_short.hpp>
#include <weir/base/ring.hpp>
#include <weir/net/outbound.hpp>
#include <weir/net/stream.hpp>
#include <weir/zmtp/frame_header.hpp>
#include <weir/zmtp/message.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>

namespace weir::zmtp {

class outgoing {
 public:
  outgoing(buffer_pool& chunks, std::size_t messages_max, std::size_t bytes_max) noexcept
      : waiting_(chunks), messages_max_(messages_max), bytes_max_(bytes_max),
        copied_max_bytes_(std::min(by_reference_min_bytes, chunks.slot_bytes()) - header_bytes_max) {}

  bool is_full() noexcept;
  /// The kernel has every message.
  bool is_empty() noexcept {
    settle();
    return begins_.empty();
  }
  bool is_attached() const noexcept { return stream_ != nullptr; }

  /// Encodes the frames from `first` on. Large bodies with an owner are shared, all else is copied.
  /// Precondition: !is_full(). Throws std::bad_alloc, and then has done nothing.
  void push(const message& from, std::size_t first = 0);
  /// The same for a message of one short frame where it costs no call but the copy: the usual case where many
  /// are sent. False: nothing was done; it is full, or the way is not so short.
  bool try_push_short(const frame& body) noexcept;
  /// A command, where a connection stands; else it is void.
  void push_command(std::span<const std::byte> encoded);

  /// What waited goes to the stream, which must stay where it is until the detachment begins.
  void attach(stream& connection);
  /// The stream is about to be closed: nothing is taken until the detachment ends.
  void begin_detach() noexcept;
  /// `unsent`: the output that the closed stream was left with.
  void end_detach(outbound& unsent) noexcept;

 private:
  static constexpr std::size_t settle_interval = 1024;
  static constexpr std::size_t entry_bytes = sizeof(std::uint64_t);

  /// From this size on a body is sent from where it lies: below it, copying is cheaper than a place in the
  /// gathered write.
  static constexpr std::size_t by_reference_min_bytes = std::size_t{16} << 10;

  std::size_t held_bytes() const noexcept { return target_->bytes() + begins_.size() * entry_bytes; }
  bool is_at_bound() const noexcept {
    return held_bytes() >= bytes_max_ || (messages_max_ != 0 && begins_.size() >= messages_max_);
  }
  void push_frame(const frame& part, frame_kind kind);
  void push_large_frame(const frame& part, frame_kind kind);
  void settle() noexcept;
  std::size_t count_begun(std::uint64_t position) const noexcept;
  void renew_short_way() noexcept;

  outbound waiting_;
  outbound* target_ = &waiting_;
  stream* stream_ = nullptr;
  ring<std::uint64_t> begins_; ///< where each message begins that the kernel has not wholly taken, as a
                               ///< position in the connection
  std::uint64_t written_ = 0;  ///< the position behind everything written
  std::size_t messages_max_;
  std::size_t bytes_max_;
  std::size_t copied_max_bytes_; ///< longest body that fits into a chunk together with its header
  std::size_t settle_at_ =
      settle_interval;            ///< so that `begins_` stays short when no message bound asks for it
  std::size_t short_way_max_ = 0; ///< below so many in `begins_` a short one fits, and none is to be settled
  bool is_detaching_ = false;
};

inline bool outgoing::is_full() noexcept {
  if (is_detaching_) return true;
  if (!is_at_bound()) return false;
  settle();
  return is_at_bound();
}

inline bool outgoing::try_push_short(const frame& body) noexcept {
  outbound& to = *target_;
  const std::size_t body_bytes = body.size();
  const std::size_t frame_bytes = short_header_bytes + body_bytes;
  // There is room only behind bytes that are queued, and what is pushed here leaves with those.
  if (body_bytes > short_body_bytes_max || frame_bytes > to.room_bytes()) return false;
  if (begins_.size() >= short_way_max_) return false;
  begins_.push_back_in_place(std::uint64_t{written_});
  std::byte* const at = to.room();
  to.commit(frame_bytes);
  written_ += frame_bytes;
  encode_header(at, frame_kind::last, body_bytes);
  copy_short(at + short_header_bytes, body.data(), body_bytes);
  return true;
}

} // namespace weir::zmtp
