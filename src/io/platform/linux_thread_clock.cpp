#include <weir/io/thread_clock.hpp>

#include <ctime>

namespace weir::thread_clock {
namespace {

std::uint64_t read_ns(clockid_t which) noexcept {
  timespec now{};
  if (::clock_gettime(which, &now) != 0) return 0;
  return static_cast<std::uint64_t>(now.tv_sec) * 1'000'000'000 + static_cast<std::uint64_t>(now.tv_nsec);
}

} // namespace

std::uint64_t now_ns() noexcept {
  return read_ns(CLOCK_MONOTONIC);
}

std::uint64_t cpu_ns(pthread_t thread) noexcept {
  clockid_t its_clock{};
  return ::pthread_getcpuclockid(thread, &its_clock) == 0 ? read_ns(its_clock) : 0;
}

} // namespace weir::thread_clock
