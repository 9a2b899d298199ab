// How `weir proxy` shares out its memory for received messages, so that replies can always be received: were
// requests that wait for workers to fill all of it, a worker that waits for its replies to be taken would
// never take another request.
//
// One slot of messages that wait is enough for a client to be paused; what is under way then comes on top. So
// many clients are admitted at once as cannot fill the share of the frontend; more wait to be accepted.
#pragma once

#include <weir/io/loop.hpp>

#include <cstddef>
#include <cstdint>

namespace weir::app {

struct proxy_memory {
  static constexpr std::size_t slot_bytes = std::size_t{8} << 10;
  static constexpr std::size_t burst_slots = 16; ///< most that one stream receives at once
  /// Waiting in the socket, waiting in the stream, and in the hand of the broker; and the burst.
  static constexpr std::size_t client_bytes_max = (burst_slots + 4) * slot_bytes;
  static constexpr std::uint64_t bytes_min = std::uint64_t{1} << 20;

  explicit proxy_memory(std::uint64_t bytes) noexcept : total_bytes(bytes) {}

  std::size_t clients_max() const noexcept { return total_bytes / 8 * 7 / client_bytes_max; }

  loop_options options_of_loop() const {
    loop_options options;
    options.buffers.slot_bytes = slot_bytes;
    options.buffers.budget_bytes = total_bytes;
    options.io.ring_slots = burst_slots;
    options.io.quantum_bytes = burst_slots * slot_bytes;
    return options;
  }

  std::uint64_t total_bytes;
};

} // namespace weir::app
