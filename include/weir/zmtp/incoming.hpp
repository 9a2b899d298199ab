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
  std::uint64_t messages() const noexcept { return scanner_.messages_completed() - taken_; }
  bool has_message() const noexcept { return messages() != 0; }
  std::size_t pinned_bytes() const noexcept { return pinned_bytes_; }

  /// Replaces the frames of `into` from `first` on by those of the oldest message. Precondition:
  /// has_message(). Throws std::bad_alloc only for a frame that spans leases or a fourth frame: that message
  /// is lost then, and no other.
  void take(message& into, std::size_t first = 0);

  // The short way, of a message of one short frame whose bytes a frame can take without a call, with others
  // behind it in the chunk: the usual case where many arrive.

  /// It may be taken so often before `take` is due again: at most as often as messages wait.
  void open_short_way(std::uint64_t times) noexcept {
    assert(times <= messages());
    short_way_end_ = taken_ + times;
  }
  void close_short_way() noexcept { short_way_end_ = taken_; }
  bool is_short_way_open() const noexcept { return taken_ < short_way_end_; }
  /// False: nothing was done. Precondition: is_short_way_open().
  bool try_take_short(frame& into) noexcept;

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
  /// Bytes of the front chunk that were not read yet.
  std::size_t left() const noexcept { return static_cast<std::size_t>(end_ - at_); }
  frame_header take_header() noexcept;
  void take_body(frame& into, std::size_t size);
  void copy_out(std::byte* to, std::size_t count) noexcept;
  void skip(std::size_t count) noexcept;
  void skip_message(frame_header header) noexcept;

  void unpin(std::size_t index);
  void drop_behind_whole_messages() noexcept;

  scan_limits limits_;
  frame_scanner scanner_;
  std::uint64_t taken_ = 0; ///< of those that the scanner has counted; those of earlier connections are owed
  std::uint64_t short_way_end_ = 0; ///< in terms of `taken_`
  ring<lease> chunks_;              ///< the front one is read at `at_`
  block* owner_ = nullptr;          ///< of the front chunk
  const std::byte* at_ = nullptr;
  const std::byte* end_ = nullptr; ///< of the front chunk
  std::size_t pinned_bytes_ = 0;
  lease large_body_;
};

inline bool incoming::try_take_short(frame& into) noexcept {
  assert(is_short_way_open());
  const std::byte* const at = at_;
  if (left() <= short_header_bytes || at[0] != std::byte{0}) return false;
  const std::size_t body_bytes = std::to_integer<std::size_t>(at[1]);
  const std::byte* const body = at + short_header_bytes;
  const auto bytes_left = static_cast<std::size_t>(end_ - body);
  if (body_bytes >= bytes_left || !into.try_assign_slice(*owner_, body, body_bytes, bytes_left)) return false;
  at_ = body + body_bytes;
  ++taken_;
  return true;
}

} // namespace weir::zmtp
