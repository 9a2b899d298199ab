// Faults on demand: the nth allocation, system call or operation of a run fails, that one only. Trying every
// n in turn visits every error path that the run has.
#pragma once

#include <support/allocations.hpp>

#include <cstdint>
#include <iosfwd>
#include <string_view>

namespace weir::test {

enum class fault_kind : std::uint8_t {
  allocation,     ///< operator new gives nothing
  system_call,    ///< a call of libc that weir makes on this thread returns an error that it may return
  offloaded_call, ///< the same on any other thread: what the pool is given
  operation,      ///< what was started on the loop completes with an error (faulty_proactor)
};
std::string_view name_of(fault_kind kind) noexcept;
void PrintTo(fault_kind kind, std::ostream* out);

/// False where the build leaves no way to do it: sanitizers keep the allocator and the calls to themselves.
bool can_fail(fault_kind kind) noexcept;

/// From its construction to its end the `nth` step of that kind fails (1: the next): on this thread, or for
/// offloaded_call on any other. One at a time.
class planned_fault {
 public:
  planned_fault(fault_kind kind, std::uint64_t nth) noexcept;
  ~planned_fault();
  planned_fault(const planned_fault&) = delete;
  planned_fault& operator=(const planned_fault&) = delete;

  /// The step was reached, and failed.
  bool was_met() const noexcept;
  /// Which step it was, as far as that is known.
  std::string_view where() const noexcept;

  /// Asked by whoever makes a step of that kind: true if this one has to fail.
  static bool strikes(fault_kind kind, const char* step) noexcept;
  /// The same for a call of libc, whichever thread makes it.
  static bool strikes_call(const char* name) noexcept;
};

/// While one lives nothing fails on this thread: for what a scenario does beside what it tries. Not across a
/// co_await.
class spared {
 public:
  spared() noexcept;
  ~spared();
  spared(const spared&) = delete;
  spared& operator=(const spared&) = delete;

 private:
  std::uint64_t allocations_before_;
};

} // namespace weir::test
