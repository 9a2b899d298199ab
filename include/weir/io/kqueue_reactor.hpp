// kqueue_reactor: the reactor of FreeBSD and macOS, over one kqueue (kqueue(2)), and of Linux where an
// emulation of kqueue is installed (libkqueue; docs/platforms.md tells what it does otherwise).
//
// One `watch` is one fstat(2), since kqueue takes regular files where the contract refuses them, and one
// kevent(2) that takes the filters of the number away and adds the wanted ones anew: so it does not matter
// whether they belong to the file that has the number now. A kqueue drops the filters of a number when the
// number is closed, duplicates or not: there are no ghosts.
//
// Ends: EV_EOF tells the end of one direction like the end of both, so poll(2) is asked which it is; that
// costs a call for each wait that meets an end. macOS says POLLHUP to the end of one direction as well:
// hangup then comes unasked. A watch that waits for an end and not for bytes has an edge-triggered read
// filter until the end is there.
//
// Urgent data: EVFILT_EXCEPT (macOS) tells of it. Elsewhere priority beside another interest is never
// reported, and priority alone is refused with -EOPNOTSUPP.
//
// Thread rule: everything but `wake` belongs to the loop's thread. Bound: a few bytes for each descriptor
// number watched so far; no allocation once the largest one has been seen. Inherited neither by fork nor by
// exec.
#pragma once

#include <weir/base/result.hpp>
#include <weir/io/counters.hpp>
#include <weir/io/descriptor.hpp>
#include <weir/io/reactor.hpp>

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

struct kevent; // <sys/event.h>, which users of an emulation need not have

namespace weir {

class kqueue_reactor final : public reactor {
 public:
  /// Fails where the kernel gives no more descriptors. `counters` outlives the reactor.
  static result<std::unique_ptr<kqueue_reactor>> create(loop_counters& counters);
  ~kqueue_reactor() override;

  int watch(int descriptor, readiness interest) noexcept override;
  std::span<const ready_event> wait(std::uint64_t timeout_ns) noexcept override;
  void wake() noexcept override;
  std::string_view name() const noexcept override { return "kqueue"; }

 private:
  using kernel_event = struct ::kevent;
  struct registration {
    readiness interest = readiness::none;
    bool has_ended = false;        ///< an end that was waited for is there: level-triggered from now on
    std::uint16_t ready_index = 0; ///< its place in `ready_`, where that is this descriptor's
  };
  class change_list;
  static constexpr std::size_t events_max = 256;

  kqueue_reactor(weir::descriptor queue, loop_counters& counters);

  int add_wake_event() noexcept;
  int refusal_of(int descriptor) noexcept;
  int replace_filters(int descriptor, readiness before, readiness after, bool has_ended) noexcept;
  int wait_in_kernel(std::uint64_t timeout_ns) noexcept;
  void take(const kernel_event& event) noexcept;
  void take_wake() noexcept;
  readiness end_of(const kernel_event& event, registration& known) noexcept;
  readiness kind_of_end(int descriptor) noexcept;
  void report(int descriptor, registration& known, readiness events) noexcept;

  weir::descriptor queue_;
  loop_counters& counters_;
  std::vector<registration> registrations_; ///< by descriptor
  std::unique_ptr<kernel_event[]> events_;  ///< events_max of them
  std::array<ready_event, events_max> ready_;
  std::size_t ready_count_ = 0;
  std::atomic<bool> wake_pending_{false}; ///< the wake event was triggered and not yet seen
};

} // namespace weir
