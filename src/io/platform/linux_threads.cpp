#include "threads.hpp"

#include <pthread.h>

namespace weir::platform {

void name_this_thread(const char* name) noexcept {
  ::pthread_setname_np(::pthread_self(), name);
}

void give_way_to_loops() noexcept {
  const sched_param none{};
  if (::sched_getscheduler(0) == SCHED_OTHER) ::sched_setscheduler(0, SCHED_BATCH, &none);
}

core_set core_set::of_this_thread() noexcept {
  core_set found;
  found.is_known_ = ::sched_getaffinity(0, sizeof found.cores_, &found.cores_) == 0;
  return found;
}

void core_set::bind_this_thread() const noexcept {
  if (is_known_) ::sched_setaffinity(0, sizeof cores_, &cores_);
}

signals_blocked::signals_blocked() noexcept {
  sigset_t all;
  sigfillset(&all);
  ::pthread_sigmask(SIG_SETMASK, &all, &before_);
}

signals_blocked::~signals_blocked() {
  ::pthread_sigmask(SIG_SETMASK, &before_, nullptr);
}

} // namespace weir::platform
