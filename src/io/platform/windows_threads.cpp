#include "threads.hpp"

#include <weir/io/platform/sockets.hpp>

#include <pthread.h>

namespace weir::platform {

void name_this_thread(const char* name) noexcept {
  ::pthread_setname_np(::pthread_self(), name);
}

void give_way_to_loops() noexcept {
  ::SetThreadPriority(::GetCurrentThread(), THREAD_PRIORITY_BELOW_NORMAL);
}

core_set core_set::of_this_thread() noexcept {
  // Only setting the cores of a thread tells what they were.
  core_set found;
  DWORD_PTR of_process = 0;
  DWORD_PTR of_system = 0;
  if (!::GetProcessAffinityMask(::GetCurrentProcess(), &of_process, &of_system)) return found;
  found.cores_ = ::SetThreadAffinityMask(::GetCurrentThread(), of_process);
  found.is_known_ = found.cores_ != 0;
  found.bind_this_thread();
  return found;
}

void core_set::bind_this_thread() const noexcept {
  if (is_known_) ::SetThreadAffinityMask(::GetCurrentThread(), cores_);
}

// Nothing interrupts a thread here: console events come on a thread of their own.
signals_blocked::signals_blocked() noexcept = default;
signals_blocked::~signals_blocked() = default;

} // namespace weir::platform
