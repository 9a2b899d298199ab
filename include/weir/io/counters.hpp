// Counters of one loop: written by the loop's thread only, read by any (single_writer.hpp).
#pragma once

#include <weir/base/single_writer.hpp>
#include <weir/io/operation.hpp>

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace weir {

/// What a system call was made for.
enum class system_call : std::uint8_t {
  wait,     ///< epoll_wait; io_uring_enter that waits or looks, and submits on the way
  submit,   ///< io_uring_enter that only submits; a file's transfer handed to a completion port
  interest, ///< epoll_ctl, and making an epoll instance anew
  accept,
  connect,
  receive, ///< recv, recvmsg; io_uring's own receives are no calls
  send,
  poll,
  close,
  shutdown,
  wake,  ///< the write of a thread that woke the loop
  other, ///< questions about a descriptor
};
inline constexpr std::size_t system_call_count = 12;
std::string_view name_of(system_call which) noexcept;

/// Of each kind, and of all kinds together, which it converts to.
class system_call_counters {
 public:
  void count(system_call which) noexcept { ++of_[static_cast<std::size_t>(which)]; }
  system_call_counters& operator++() noexcept {
    count(system_call::other);
    return *this;
  }

  std::uint64_t of(system_call which) const noexcept { return of_[static_cast<std::size_t>(which)]; }
  operator std::uint64_t() const noexcept {
    std::uint64_t all = 0;
    for (const counter& each : of_) all += each;
    return all;
  }

 private:
  std::array<counter, system_call_count> of_{};
};

struct loop_counters {
  counter turns;
  counter waits; ///< waits in the kernel: epoll_wait, or io_uring_enter that waits or looks
  system_call_counters system_calls; ///< that the loop and its backend made
  counter receive_calls;             ///< receives done: system calls, or completions of receives on io_uring
  counter receive_again;             ///< of these, EAGAIN
  counter bytes_received;
  counter send_calls;
  counter send_again;
  counter bytes_sent;
  counter operations_started;
  counter completions; ///< dispatched, partial ones included
  std::array<counter, lane_count> completions_of_lane;
  counter operations_parked;   ///< waited because a bound was reached
  counter receives_starved;    ///< waited because the buffer pool was empty
  counter receives_paused;     ///< a stream's receive was stopped: its credit is used up, or slots are few
  counter receives_over_share; ///< of these, how often one could not go on: it holds more than its share
  counter writes_waited;       ///< a writer waited because what is unsent of its stream is at the bound
  counter wakes;               ///< wake-ups by other threads that cost a system call
  counter watches_spinning;    ///< watches that were found to spin (os/watch.hpp)
  counter calls_blocking;      ///< known blocking calls made by handlers (runtime/blocking_trap.hpp)
};

} // namespace weir
