// Calls that write know no MSG_NOSIGNAL: the signal, which is raised for this thread, is held back and taken.
#pragma once

#include <pthread.h>

#include <cerrno>
#include <csignal>
#include <ctime>

namespace weir {

/// `call`: makes one system call; its result and errno are kept.
template <class Call>
auto without_sigpipe(Call call) noexcept {
  sigset_t broken_pipe;
  sigset_t before;
  sigemptyset(&broken_pipe);
  sigaddset(&broken_pipe, SIGPIPE);
  ::pthread_sigmask(SIG_BLOCK, &broken_pipe, &before);
  const auto result = call();
  const int reason = errno;
  if (result < 0 && reason == EPIPE) {
    constexpr timespec at_once{0, 0};
    ::sigtimedwait(&broken_pipe, nullptr, &at_once);
  }
  ::pthread_sigmask(SIG_SETMASK, &before, nullptr);
  errno = reason;
  return result;
}

} // namespace weir
