// Counters of one loop: plain numbers written by the loop's thread only.
#pragma once

#include <cstdint>

namespace weir {

struct loop_counters {
  std::uint64_t turns = 0;
  std::uint64_t waits = 0;         ///< waits in the kernel: epoll_wait, or io_uring_enter that waits or looks
  std::uint64_t system_calls = 0;  ///< all that the loop and its backend made
  std::uint64_t receive_calls = 0; ///< receives done: system calls, or completions of receives on io_uring
  std::uint64_t receive_again = 0; ///< of these, EAGAIN
  std::uint64_t bytes_received = 0;
  std::uint64_t send_calls = 0;
  std::uint64_t send_again = 0;
  std::uint64_t bytes_sent = 0;
  std::uint64_t operations_started = 0;
  std::uint64_t completions = 0;       ///< dispatched, partial ones included
  std::uint64_t operations_parked = 0; ///< waited because a bound was reached
  std::uint64_t receives_starved = 0;  ///< waited because the buffer pool was empty
  std::uint64_t wakes = 0;             ///< wake-ups by other threads that cost a system call
};

} // namespace weir
