// posix_blocked_signals: what the signal sets of a process have blocked, by thread, and what becomes of what
// is pending when the last of them goes (signal_set.hpp). Thread rule: each function is about the thread that
// calls it.
#pragma once

#include <weir/io/platform/signals.hpp>

#include <cstddef>

namespace weir {

void block_signals(const sigset_t& numbers) noexcept;

/// Undoes one `block_signals` of this thread.
void unblock_signals(const sigset_t& numbers) noexcept;

template <class Visit>
void for_each_signal(const sigset_t& numbers, Visit visit) {
  for (std::size_t index = 1; index < signal_numbers_end; ++index)
    if (const int number = static_cast<int>(index); sigismember(&numbers, number) == 1) visit(number);
}

} // namespace weir
