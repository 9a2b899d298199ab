// What the loops of a group share.
#pragma once

#include "loop_seat.hpp"

#include <atomic>
#include <condition_variable>
#include <cstddef>
#include <memory>
#include <mutex>
#include <vector>

namespace weir {

struct loop_group::state {
  explicit state(const loop_group_options& wanted) : options(wanted) {}

  /// False when nobody is there any more.
  bool enter() noexcept;
  void leave() noexcept;
  void request_stop() noexcept;
  void seat_ended() noexcept;
  bool wait_until_ended(std::chrono::nanoseconds patience);

  loop_group_options options;
  std::vector<int> cores; ///< to pin to; empty: none
  std::vector<std::unique_ptr<loop_seat>> seats;

 private:
  std::atomic<std::size_t> live_{0}; ///< loops that are not drained, and those who are inside
  std::mutex mutex_;
  std::condition_variable changed_;
  std::size_t ended_ = 0;
  friend class loop_group;
};

} // namespace weir
