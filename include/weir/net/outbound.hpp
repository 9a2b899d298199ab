// outbound: the unsent bytes of a stream, gathered so that one call sends them all. Small writes are copied
// one behind the other into chunks; large payloads are queued as leases and not copied.
//
// Bound: none of its own: the stream makes writers wait at its high mark. Chunks come from the loop's send
// pool and go back when sent; an idle stream holds none. When that pool is used up chunks come from the heap
// (the bound is then the number of streams times the mark). Lifetime: bytes given to the kernel stay in place
// until `consume`. Thread rule: the loop's thread. Errors: what adds bytes throws std::bad_alloc and then has
// added nothing, or of `append_copy` the first chunks.
#pragma once

#include <weir/base/buffer_pool.hpp>
#include <weir/base/ring.hpp>
#include <weir/io/platform/sockets.hpp>

#include <cstddef>
#include <span>

namespace weir {

class outbound {
 public:
  explicit outbound(buffer_pool& chunks) noexcept : chunks_(chunks) {}

  /// Room for `count` contiguous bytes at the end; `count` is at most `contiguous_max()`. Nothing is queued
  /// until `commit`.
  std::byte* prepare(std::size_t count) {
    if (count > room_bytes()) [[unlikely]]
      open_chunk();
    return room_;
  }
  void commit(std::size_t count) noexcept {
    room_ += count;
    bytes_ += count;
  }
  std::size_t contiguous_max() const noexcept { return chunks_.slot_bytes(); }
  /// What can be prepared without opening a chunk: nothing while it is empty.
  std::byte* room() const noexcept { return room_; }
  std::size_t room_bytes() const noexcept { return static_cast<std::size_t>(room_end_ - room_); }

  void append_copy(std::span<const std::byte> bytes);
  void append(lease&& piece);

  std::size_t bytes() const noexcept { return bytes_; }
  bool empty() const noexcept { return bytes_ == 0; }

  /// Describes the oldest unsent bytes in at most `vectors.size()` entries; returns how many it filled.
  std::size_t gather(std::span<iovec> vectors) noexcept;
  /// Moves everything that `other` holds to the end. Needs no memory when this is empty.
  void splice(outbound& other);
  /// The oldest `count` bytes are sent.
  void consume(std::size_t count) noexcept;
  /// The newest `count` bytes are not to be sent; the kernel must not have them yet.
  void take_back(std::size_t count) noexcept;
  void clear() noexcept;

 private:
  void open_chunk();
  void seal();
  void swap(outbound& other) noexcept;
  void release_chunk() noexcept;

  buffer_pool& chunks_;
  ring<lease> pieces_;        ///< oldest first; behind them come the bytes from open_ to room_
  lease chunk_;               ///< where copies are written
  std::byte* open_ = nullptr; ///< what was written to the chunk from here on is no piece yet
  std::byte* room_ = nullptr; ///< where the next copy goes
  std::byte* room_end_ = nullptr;
  std::size_t bytes_ = 0;
};

} // namespace weir
