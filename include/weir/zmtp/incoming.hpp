// incoming: what one peer has sent and nobody has taken yet. Received leases are scanned when they arrive and
// cut into messages when somebody asks: there is no queue of messages, and no copy but of frames that span
// two leases and of those that fit into a frame.
//
// Bound: its user stops pushing when `messages()` or `pinned_bytes()` reaches a mark (session.hpp); both are
// counted in O(1). Thread rule: the loop's thread.
#pragma once

#include <weir/base/buffer_pool.hpp>
#include <weir/base/lease.hpp>
#include <weir/base/ring.hpp>
#include <weir/zmtp/frame_scanner.hpp>
#include <weir/zmtp/message.hpp>

#include <cassert>
#include <cstddef>
#include <cstdint>
#include <span>

namespace weir::zmtp {

class incoming {
 public:
  explicit incoming(const scan_limits& limits) noexcept : limits_(limits), scanner_(limits) {}

  /// Walks the bytes as they arrive; commands are met here, long before anybody takes the messages in front
  /// of them.
  frame_scanner& scanner() noexcept { return scanner_; }

  /// Keeps a chunk, which is scanned before anything is taken.
  void push(lease&& chunk);

  /// Whole messages that wait.
  std::uint64_t messages() const noexcept {
    return completed_before_ + scanner_.messages_completed() - taken_;
  }
  bool has_message() const noexcept { return messages() != 0; }
  std::size_t pinned_bytes() const noexcept { return pinned_bytes_; }

  /// Appends the frames of the oldest message. Precondition: has_message(). Throws std::bad_alloc only for a
  /// frame that spans leases.
  void take(message& into);

  /// Bytes of a frame's body that are missing and worth receiving straight into memory of their own; 0 where
  /// they are not.
  std::size_t large_body_missing() const noexcept;
  /// Memory for the rest of that body. What has arrived of it is moved there. Throws std::bad_alloc.
  std::span<std::byte> open_large_body();
  /// The memory is filled and was scanned.
  void close_large_body();

  // What is left when no whole message is there can be taken by nobody. Precondition of these:
  // !has_message().

  /// So few slots are free that such bytes had better move out of them.
  static bool is_short(const buffer_pool& slots) noexcept {
    return slots.slots_free() < slots.slots_max() / 4;
  }
  /// Moves the chunk that came last to memory of its own. Throws std::bad_alloc.
  void unpin_newest() { unpin(chunks_.size() - 1); }
  /// The same for all. Where there is no memory they stay where they are.
  void unpin_all() noexcept;
  /// Drops commands; the stream is at a boundary.
  void clear() noexcept;

  /// The connection has ended: the incomplete message at the end goes, whole messages stay, and the bytes of
  /// another connection may follow.
  void end_of_connection() noexcept;

 private:
  void enter_front() noexcept;
  void skip_used_chunks() noexcept;
  void advance(std::size_t count) noexcept {
    at_ += count;
    left_ -= count;
  }
  bool try_take_frame(message& into, frame_kind& kind);
  frame_kind take_split_frame(message& into);
  frame_header take_split_header();
  void take_split_body(frame& into, std::size_t size);
  void copy_out(std::byte* to, std::size_t count);

  void unpin(std::size_t index);
  void drop_behind_whole_messages() noexcept;

  scan_limits limits_;
  frame_scanner scanner_;
  std::uint64_t completed_before_ = 0; ///< whole messages of earlier connections
  std::uint64_t taken_ = 0;
  ring<lease> chunks_;     ///< the front one is read at `at_`
  block* owner_ = nullptr; ///< of the front chunk
  const std::byte* at_ = nullptr;
  std::size_t left_ = 0; ///< bytes of the front chunk from `at_` on
  std::size_t pinned_bytes_ = 0;
  lease large_body_;
};

inline void incoming::take(message& into) {
  assert(has_message());
  frame_kind kind;
  do {
    if (!try_take_frame(into, kind)) [[unlikely]]
      kind = take_split_frame(into);
  } while (kind != frame_kind::last);
  ++taken_;
}

/// The usual case: a frame that lies in one chunk.
inline bool incoming::try_take_frame(message& into, frame_kind& kind) {
  frame_header header;
  if (decode_header(at_, left_, header) != header_status::complete) return false;
  if (header.body_bytes > left_ - header.header_bytes || header.kind == frame_kind::command) return false;
  into.add().assign_slice(*owner_, at_ + header.header_bytes, header.body_bytes);
  advance(header.header_bytes + header.body_bytes);
  if (left_ == 0) [[unlikely]]
    skip_used_chunks();
  kind = header.kind;
  return true;
}

} // namespace weir::zmtp
