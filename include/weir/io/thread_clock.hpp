// thread_clock: the time of the machine, for those few who must not take it from a loop because they judge
// loops from outside: the watchdog, and what reports on a process.
//
// Thread rule: any thread. Source: clock_gettime(2), pthread_getcpuclockid(3).
#pragma once

#include <pthread.h>

#include <cstdint>

namespace weir::thread_clock {

/// CLOCK_MONOTONIC: what the loops of this machine go by.
std::uint64_t now_ns() noexcept;
/// CPU time that a thread, which must not have ended, has used; 0 where that cannot be told.
std::uint64_t cpu_ns(pthread_t thread) noexcept;

} // namespace weir::thread_clock
