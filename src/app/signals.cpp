#include "signals.hpp"

#include <weir/async/operations.hpp>

#include <poll.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include <cerrno>
#include <utility>

namespace weir::app {

result<signals> signals::block() {
  sigset_t wanted;
  sigset_t before;
  sigemptyset(&wanted);
  sigaddset(&wanted, SIGINT);
  sigaddset(&wanted, SIGTERM);
  descriptor source(::signalfd(-1, &wanted, SFD_CLOEXEC | SFD_NONBLOCK));
  if (!source) return fail(error::from_errno(errno, "signalfd"));
  if (const int refused = ::pthread_sigmask(SIG_BLOCK, &wanted, &before); refused != 0)
    return fail(error::from_errno(refused, "pthread_sigmask"));
  return signals(std::move(source), before);
}

signals::signals(descriptor source, const sigset_t& mask_before) noexcept
    : source_(std::move(source)), mask_before_(mask_before) {}

signals::signals(signals&& other) noexcept
    : source_(std::move(other.source_)), mask_before_(other.mask_before_) {}

/// What is pending is taken first: delivered now, it would end the process after its work was done.
signals::~signals() {
  if (!source_) return;
  signalfd_siginfo pending{};
  while (::read(source_.get(), &pending, sizeof pending) > 0) {
  }
  ::pthread_sigmask(SIG_SETMASK, &mask_before_, nullptr);
}

task<result<int>> signals::next() {
  for (;;) {
    const result<std::uint32_t> ready = co_await async_poll(source_.get(), POLLIN);
    if (!ready) co_return fail(ready.error());
    signalfd_siginfo told{};
    const ssize_t got = ::read(source_.get(), &told, sizeof told);
    if (got == static_cast<ssize_t>(sizeof told)) co_return static_cast<int>(told.ssi_signo);
    if (got < 0 && errno != EAGAIN) co_return fail(error::from_errno(errno, "signalfd"));
  }
}

} // namespace weir::app
