// iocp_port: a completion port (I/O Completion Ports, Win32): packets of finished requests, dequeued in
// batches, and wake-ups posted beside them.
//
// A handle belongs to one port for as long as it is open, and the kernel tells nobody to which. Numbers of
// handles are reused, so the process keeps for each number which port it was last given to: since a handle
// that belongs to none is always given to who asks, what is kept of one that belongs to some is true. Out of
// reach are duplicates of a handle, and ports that others made, which look like another loop's.
//
// Thread rule: the loop's thread, but for `wake`. Bound: 256 packets a wait, the kernel keeps the rest; 4
// bytes of the process for each handle number in use.
#pragma once

#include <weir/base/result.hpp>
#include <weir/io/counters.hpp>
#include <weir/io/platform/sockets.hpp>

#include <array>
#include <atomic>
#include <cstdint>
#include <memory>
#include <span>

namespace weir {

class iocp_port {
 public:
  static result<std::unique_ptr<iocp_port>> create(loop_counters& counters);
  ~iocp_port();
  iocp_port(const iocp_port&) = delete;
  iocp_port& operator=(const iocp_port&) = delete;

  /// Whether packets of the handle come here from now on: of requests that pend. What succeeds at once is not
  /// told again.
  bool take(int number) noexcept;
  /// The same of a handle of our own, whose requests all make packets.
  bool take_whole(HANDLE of_ours) noexcept;

  /// Packets, without wake-ups. The span is valid until the next call.
  std::span<OVERLAPPED_ENTRY> wait(std::uint64_t timeout_ns) noexcept;
  /// From any thread.
  void wake() noexcept;
  /// From any thread: a packet of a request that the kernel makes none for.
  void post(OVERLAPPED& answered) noexcept;

 private:
  static constexpr std::size_t packets_max = 256;

  iocp_port(HANDLE port, loop_counters& counters) noexcept;
  void take_wake() noexcept;

  HANDLE port_;
  std::uint32_t serial_; ///< names it in the process
  loop_counters& counters_;
  std::atomic<bool> wake_is_pending_{false}; ///< many wakes, one packet
  std::array<OVERLAPPED_ENTRY, packets_max> packets_;
};

} // namespace weir
