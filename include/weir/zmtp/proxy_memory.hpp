// proxy_memory: how a proxy shares out its loop's memory for received messages, so that replies can always be
// received: were requests that wait for workers to fill all of it, a worker that waits for its replies to be
// taken would never take another request.
//
// One slot of messages that wait is enough for a client to be paused; what is under way then comes on top. So
// many clients are let in at once as cannot fill the share of the frontend, seven eighths; more wait in the
// listener's backlog. A value.
#pragma once

#include <weir/io/loop.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>

namespace weir::zmtp {

class proxy_memory {
 public:
  static constexpr std::size_t default_slot_bytes = std::size_t{8} << 10;
  static constexpr std::size_t default_burst_slots = 16;
  /// With less a loop of `options_of_loop` has no room for a client beside the replies.
  static constexpr std::uint64_t bytes_min = std::uint64_t{1} << 20;

  /// Of a loop that is still to be made, for a proxy with so many clients as `bytes` allow.
  explicit proxy_memory(std::uint64_t bytes) noexcept : total_bytes_(bytes) {}
  /// Of a loop as it is. Small slots let in more clients.
  explicit proxy_memory(const loop& home)
      : total_bytes_(home.buffers().slots_max() * home.buffers().slot_bytes()),
        slot_bytes_(home.buffers().slot_bytes()),
        burst_slots_(std::max<std::size_t>(home.options().io.ring_slots,
                                           home.options().io.quantum_bytes / slot_bytes_)) {}

  std::uint64_t total_bytes() const noexcept { return total_bytes_; }
  std::size_t slot_bytes() const noexcept { return slot_bytes_; }
  std::size_t burst_slots() const noexcept { return burst_slots_; } ///< most that a stream receives at once

  /// Waiting in the socket, waiting in the stream, and in the hand of the proxy; and the burst.
  std::size_t client_bytes_max() const noexcept { return (burst_slots_ + 4) * slot_bytes_; }
  std::size_t clients_max() const noexcept {
    return std::max<std::size_t>(total_bytes_ / 8 * 7 / client_bytes_max(), 1);
  }

  loop_options options_of_loop() const {
    loop_options options;
    options.buffers.slot_bytes = slot_bytes_;
    options.buffers.budget_bytes = total_bytes_;
    options.io.ring_slots = static_cast<std::uint32_t>(burst_slots_);
    options.io.quantum_bytes = static_cast<std::uint32_t>(burst_slots_ * slot_bytes_);
    return options;
  }

 private:
  std::uint64_t total_bytes_;
  std::size_t slot_bytes_ = default_slot_bytes;
  std::size_t burst_slots_ = default_burst_slots;
};

} // namespace weir::zmtp
