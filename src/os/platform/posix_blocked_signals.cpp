#include "posix_blocked_signals.hpp"

#include <weir/io/system_calls.hpp>

#include <unistd.h>

#include <array>
#include <atomic>
#include <cassert>
#include <cstdint>

namespace weir {
namespace {

/// What sets have done to the mask of this thread.
struct blocked_signal {
  std::uint32_t sets = 0;
  bool is_blocked_by_sets = false; ///< also without a set, while another thread has one
};
thread_local std::array<blocked_signal, signal_numbers_end> blocked_here;

/// The sets of all threads: what is pending of the process is for any of them.
std::array<std::atomic<std::uint32_t>, signal_numbers_end> sets_of_process;

#if _POSIX_REALTIME_SIGNALS > 0

void drop_pending_signals(const sigset_t& numbers) noexcept {
  while (calls().take_signal(numbers) > 0) {
  }
}

#else

/// A signal that is ignored is not pending any more. SIGCHLD would take the exit status of children with it;
/// what it does by itself is nothing.
void drop_pending_signals(const sigset_t& numbers) noexcept {
  for_each_signal(numbers, [](int number) {
    if (number == SIGCHLD) return;
    struct sigaction ignored{};
    struct sigaction before{};
    ignored.sa_handler = SIG_IGN;
    if (::sigaction(number, &ignored, &before) == 0) ::sigaction(number, &before, nullptr);
  });
}

#endif

} // namespace

void block_signals(const sigset_t& numbers) noexcept {
  sigset_t before;
  calls().mask_signals(SIG_BLOCK, numbers, before);
  for_each_signal(numbers, [&](int number) {
    blocked_signal& state = blocked_here[static_cast<std::size_t>(number)];
    if (state.sets++ == 0 && sigismember(&before, number) == 0) state.is_blocked_by_sets = true;
    ++sets_of_process[static_cast<std::size_t>(number)];
  });
}

void unblock_signals(const sigset_t& numbers) noexcept {
  sigset_t released;
  sigemptyset(&released);
  for_each_signal(numbers, [&](int number) {
    blocked_signal& state = blocked_here[static_cast<std::size_t>(number)];
    assert(state.sets > 0 && "a set is destroyed on the thread that opened it");
    const bool is_last_here = --state.sets == 0;
    const bool is_last = --sets_of_process[static_cast<std::size_t>(number)] == 0;
    if (!is_last_here || !is_last || !state.is_blocked_by_sets) return;
    state.is_blocked_by_sets = false;
    sigaddset(&released, number);
  });
  drop_pending_signals(released);
  sigset_t before;
  calls().mask_signals(SIG_UNBLOCK, released, before);
}

} // namespace weir
