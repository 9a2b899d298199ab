// posix_blocked_signals: what the signal sets of a process have blocked, by thread, and what becomes of what
// is pending when the last of them goes (signal_set.hpp). Thread rule: each function is about the thread that
// calls it.
#pragma once

#include <csignal>
#include <cstddef>
#include <optional>

namespace weir {

/// Above all numbers that a system has: FreeBSD's end at 128, while its NSIG is 32.
inline constexpr std::size_t signal_numbers_end = 129;

void block_signals(const sigset_t& numbers) noexcept;

/// Undoes one `block_signals` of this thread.
void unblock_signals(const sigset_t& numbers) noexcept;

/// Takes one that is pending, where the system has a call for that which does not wait: not macOS, OpenBSD.
std::optional<siginfo_t> take_pending_signal(const sigset_t& numbers) noexcept;

template <class Visit>
void for_each_signal(const sigset_t& numbers, Visit visit) {
  for (std::size_t index = 1; index < signal_numbers_end; ++index)
    if (const int number = static_cast<int>(index); sigismember(&numbers, number) == 1) visit(number);
}

} // namespace weir
