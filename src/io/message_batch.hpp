// message_batch: one recvmmsg(2): the messages that are there, each into a slot of the pool.
//
// Lifetime: that of the call, on the stack; slots that got no message go back with it. Thread rule: the
// loop's thread.
#pragma once

#include <weir/base/buffer_pool.hpp>
#include <weir/io/counters.hpp>
#include <weir/io/message_operations.hpp>

#include <array>
#include <cstddef>

namespace weir {

class message_batch {
 public:
  static constexpr std::size_t messages_max = 32;

  /// Takes up to `wanted` slots, fewer when the pool has fewer.
  message_batch(buffer_pool& pool, std::size_t control_room_bytes, std::size_t wanted) noexcept;
  std::size_t offered() const noexcept { return offered_; }

  /// How many came, nonblocking::would_block, or -errno.
  int receive(int socket, loop_counters& counters) noexcept;
  /// One of those that came, once.
  completion take(std::size_t index) noexcept;

 private:
  std::size_t control_room_bytes_;
  std::size_t offered_ = 0;
  std::array<lease, messages_max> slots_;
  std::array<iovec, messages_max> pieces_;
  std::array<mmsghdr, messages_max> messages_;
};

} // namespace weir
