// reactor: demultiplexes readiness. Watch descriptors, wait, get those that are ready. It performs no I/O of
// its own and knows nothing of operations: reactive_proactor turns any reactor into a proactor.
//
// Readiness is level-triggered: a watched descriptor is reported by every wait for as long as it is ready. So
// nothing must be read to EAGAIN to learn that it is empty, and a partial read loses no event. Thread rule:
// everything but `wake` belongs to the loop's thread.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

namespace weir {

enum class readiness : std::uint8_t {
  none = 0,
  readable = 1,
  writable = 2,
  priority = 4,
  hangup = 8,
  failed = 16
};
constexpr readiness operator|(readiness a, readiness b) noexcept {
  return static_cast<readiness>(static_cast<std::uint8_t>(a) | static_cast<std::uint8_t>(b));
}
constexpr readiness operator&(readiness a, readiness b) noexcept {
  return static_cast<readiness>(static_cast<std::uint8_t>(a) & static_cast<std::uint8_t>(b));
}
constexpr readiness operator~(readiness a) noexcept {
  return static_cast<readiness>(~static_cast<std::uint8_t>(a) & 0x1f);
}
constexpr bool any(readiness a) noexcept {
  return a != readiness::none;
}

struct ready_event {
  int descriptor;
  readiness events;
};

class reactor {
 public:
  static constexpr std::uint64_t no_timeout = ~std::uint64_t{0};

  virtual ~reactor() = default;

  /// Sets what is watched on a descriptor, replacing what was; none stops watching. Returns 0 or -errno (a
  /// regular file gives -EPERM). hangup and failed are always reported while anything is watched; hangup as
  /// an interest asks to be told as well when the peer closes its sending side alone.
  virtual int watch(int descriptor, readiness interest) noexcept = 0;

  /// Waits until something is ready, a wake-up, or the timeout. The span is valid until the next call.
  /// Spurious returns with an empty span are allowed.
  virtual std::span<const ready_event> wait(std::uint64_t timeout_ns) noexcept = 0;

  /// From any thread: makes the current or the next wait return. Async-signal-safe.
  virtual void wake() noexcept = 0;

  virtual std::string_view name() const noexcept = 0;

  /// A report ends the watch of its descriptor.
  virtual bool is_one_shot() const noexcept { return false; }
};

} // namespace weir
