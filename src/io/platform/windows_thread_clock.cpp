#include <weir/io/platform/sockets.hpp>
#include <weir/io/thread_clock.hpp>

#include <chrono>

namespace weir::thread_clock {
namespace {

/// FILETIME counts in 100 ns.
std::uint64_t ns_of(const FILETIME& time) noexcept {
  return (std::uint64_t{time.dwHighDateTime} << 32 | time.dwLowDateTime) * 100;
}

} // namespace

std::uint64_t now_ns() noexcept {
  const auto since_start = std::chrono::steady_clock::now().time_since_epoch();
  return static_cast<std::uint64_t>(std::chrono::nanoseconds(since_start).count());
}

std::uint64_t cpu_ns(pthread_t thread) noexcept {
  FILETIME created{};
  FILETIME ended{};
  FILETIME in_kernel{};
  FILETIME in_user{};
  void* const handle = ::pthread_gethandle(thread);
  if (!::GetThreadTimes(handle, &created, &ended, &in_kernel, &in_user)) return 0;
  return ns_of(in_kernel) + ns_of(in_user);
}

} // namespace weir::thread_clock
