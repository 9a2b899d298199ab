// epoll_reactor: the reactor of Linux, over one level-triggered epoll instance (epoll(7)).
//
// Each `watch` is one epoll_ctl: whoever calls it decides when that is worth a system call.
//
// Foreign close: epoll forgets a descriptor when its last duplicate is closed, without a word, and the number
// may be another file by then; a registration that the kernel no longer knows is made anew. While a duplicate
// lives on (dup, fork) epoll goes on to report the closed number, and no epoll_ctl can reach it any more:
// such a ghost is recognised by its generation, and the epoll instance is rebuilt without it.
//
// Thread rule: everything but `wake` belongs to the loop's thread. Bound: a few bytes for each descriptor
// number watched so far; no allocation once the largest one has been seen. Not inherited by exec.
#pragma once

#include <weir/base/result.hpp>
#include <weir/io/counters.hpp>
#include <weir/io/descriptor.hpp>
#include <weir/io/reactor.hpp>

#include <sys/epoll.h>

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

namespace weir {

class epoll_reactor final : public reactor {
 public:
  /// Fails where the kernel gives no more descriptors. `counters` outlives the reactor.
  static result<std::unique_ptr<epoll_reactor>> create(loop_counters& counters);

  int watch(int descriptor, readiness interest) noexcept override;
  std::span<const ready_event> wait(std::uint64_t timeout_ns) noexcept override;
  void wake() noexcept override;
  std::string_view name() const noexcept override { return "epoll"; }

 private:
  struct registration {
    std::uint32_t generation = 0; ///< counts the additions of this number: tells a file from its successor
    readiness interest = readiness::none;
  };
  static constexpr std::size_t events_max = 256;

  epoll_reactor(weir::descriptor epoll, weir::descriptor wake_event, loop_counters& counters) noexcept
      : epoll_(std::move(epoll)), wake_event_(std::move(wake_event)), counters_(counters) {}

  int control(int action, int descriptor, std::uint32_t events, std::uint32_t generation) noexcept;
  int add_or_modify(int descriptor, registration& known, std::uint32_t events) noexcept;
  int watch_wake_event() noexcept;
  int wait_in_kernel(std::uint64_t timeout_ns) noexcept;
  void take_wake() noexcept;
  void rebuild() noexcept;

  weir::descriptor epoll_;
  weir::descriptor wake_event_;
  loop_counters& counters_;
  std::vector<registration> registrations_; ///< by descriptor
  std::array<epoll_event, events_max> events_;
  std::array<ready_event, events_max> ready_;
  bool has_nanoseconds_ = true;           ///< until epoll_pwait2 (Linux 5.11) turns out to be missing
  std::atomic<bool> wake_pending_{false}; ///< the wake event was written and not yet seen
};

} // namespace weir
