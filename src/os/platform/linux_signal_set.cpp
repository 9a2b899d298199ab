#include "posix_blocked_signals.hpp"

#include <weir/io/system_calls.hpp>
#include <weir/os/readiness.hpp>
#include <weir/os/signal_set.hpp>

#include <sys/signalfd.h>

#include <cerrno>

namespace weir {

result<signal_set> signal_set::open(std::initializer_list<int> wanted) {
  sigset_t numbers;
  sigemptyset(&numbers);
  for (const int number : wanted)
    if (sigaddset(&numbers, number) != 0) return fail(errc::invalid_argument, "signal_set: no such signal");
  descriptor source(calls().signalfd(-1, numbers, SFD_CLOEXEC | SFD_NONBLOCK));
  if (!source) return fail(error::from_errno(errno, "signalfd"));
  block_signals(numbers);
  return signal_set(std::move(source), numbers);
}

signal_set::~signal_set() {
  if (source_) unblock_signals(numbers_);
}

task<result<signal_notice>> signal_set::next() {
  for (;;) {
    result<> pending = co_await readable(source_.get());
    if (!pending) co_return fail(std::move(pending).error());
    signalfd_siginfo told{};
    const ssize_t got = calls().read(source_.get(), &told, sizeof told);
    if (got == static_cast<ssize_t>(sizeof told)) {
      signal_notice notice;
      notice.number = static_cast<int>(told.ssi_signo);
      notice.code = told.ssi_code;
      notice.sender = static_cast<pid_t>(told.ssi_pid);
      notice.sender_user = told.ssi_uid;
      notice.count = ++counts_[told.ssi_signo];
      co_return notice;
    }
    if (got < 0 && errno != EAGAIN)
      co_return fail(error::from_errno(errno, "signalfd")); // else another took it
  }
}

} // namespace weir
