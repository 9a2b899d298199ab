// byte_pipe: the bytes of one direction of a stream: what its sender has written, of which some are under way
// and the others have arrived and wait to be read.
//
// Bound: `capacity`, the sender's buffer and the receiver's window together. Memory grows up to it and is
// kept. No time of its own: whoever uses it says what arrives. Thread rule: the world's thread.
#pragma once

#include <sys/uio.h>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>

namespace weir::sim {

class byte_pipe {
 public:
  void open(std::size_t capacity) noexcept;

  // The sender.
  /// Less what the receiver has taken and the sender has not been told of.
  std::size_t room() const noexcept { return capacity_ - static_cast<std::size_t>(written_ - credited_); }
  std::size_t capacity() const noexcept { return capacity_; }
  /// False: it holds more than that.
  bool set_capacity(std::size_t capacity) noexcept {
    if (written_ - credited_ > capacity) return false;
    capacity_ = capacity;
    return true;
  }
  std::uint64_t written() const noexcept { return written_; }
  std::uint64_t unsent() const noexcept { return written_ - arrived_; }
  /// At most `most` bytes, for which there must be room.
  void write(std::span<const iovec> from, std::size_t most);
  /// The sender learns that the receiver has taken what it has.
  void credit() noexcept { credited_ = read_; }
  bool owes_credit() const noexcept { return credited_ != read_; }

  // On the way.
  /// All bytes up to this one, counted from the first that was ever written, have arrived.
  void arrive(std::uint64_t up_to) noexcept { arrived_ = up_to; }
  /// What has not arrived never will.
  void lose_rest() noexcept { written_ = arrived_; }

  // The receiver.
  std::size_t unread() const noexcept { return static_cast<std::size_t>(arrived_ - read_); }
  std::uint64_t arrived() const noexcept { return arrived_; }
  std::uint64_t read_so_far() const noexcept { return read_; }
  /// At most `most` bytes, which must be unread; they stay where `is_peek`.
  std::size_t read(std::span<const iovec> into, std::size_t most, bool is_peek) noexcept;

 private:
  void grow(std::size_t needed);
  std::size_t used() const noexcept { return static_cast<std::size_t>(written_ - read_); }

  std::unique_ptr<std::byte[]> memory_;
  std::size_t memory_bytes_ = 0; ///< a power of two
  std::size_t capacity_ = 0;
  std::uint64_t written_ = 0; ///< counts of bytes since it was opened
  std::uint64_t arrived_ = 0;
  std::uint64_t read_ = 0;
  std::uint64_t credited_ = 0;
};

} // namespace weir::sim
