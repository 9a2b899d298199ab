#include <weir/async/scope.hpp>
#include <weir/async/yield.hpp>
#include <weir/os/pipe_end.hpp>
#include <weir/os/readiness.hpp>

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <ctime>

namespace weir {
namespace {

/// What a long write hands over before it lets others run: a fast reader would never make it wait.
constexpr std::size_t quantum_bytes = 256 * 1024;

/// write(2) knows no MSG_NOSIGNAL: the signal, which is raised for this thread, is held back and taken.
ssize_t write_without_signal(int end, std::span<const std::byte> from) noexcept {
  sigset_t broken_pipe;
  sigset_t before;
  sigemptyset(&broken_pipe);
  sigaddset(&broken_pipe, SIGPIPE);
  ::pthread_sigmask(SIG_BLOCK, &broken_pipe, &before);
  const ssize_t written = ::write(end, from.data(), from.size());
  const int reason = errno;
  if (written < 0 && reason == EPIPE) {
    constexpr timespec at_once{0, 0};
    ::sigtimedwait(&broken_pipe, nullptr, &at_once);
  }
  ::pthread_sigmask(SIG_SETMASK, &before, nullptr);
  errno = reason;
  return written;
}

} // namespace

result<pipe_end> pipe_end::adopt(descriptor end) {
  const int flags = ::fcntl(end.get(), F_GETFL);
  if (flags < 0 || ::fcntl(end.get(), F_SETFL, flags | O_NONBLOCK) != 0)
    return fail(error::from_errno(errno, "pipe_end"));
  return pipe_end(std::move(end));
}

task<result<std::size_t>> pipe_end::read_some(std::span<std::byte> into) {
  for (;;) {
    result<> woken = co_await readable(end_.get());
    if (!woken) co_return fail(std::move(woken).error());
    const ssize_t got = ::read(end_.get(), into.data(), into.size());
    if (got >= 0) co_return static_cast<std::size_t>(got);
    if (errno != EAGAIN && errno != EINTR) co_return fail(error::from_errno(errno, "read"));
  }
}

task<result<std::size_t>> pipe_end::write_some(std::span<const std::byte> from) {
  cancellation* scope = co_await current_cancellation();
  if (scope && scope->is_requested()) co_return fail(std::errc::operation_canceled, "write");
  for (;;) {
    const ssize_t written = write_without_signal(end_.get(), from);
    if (written >= 0) co_return static_cast<std::size_t>(written);
    if (errno != EAGAIN && errno != EINTR) co_return fail(error::from_errno(errno, "write"));
    result<> woken = co_await writable(end_.get());
    if (!woken) co_return fail(std::move(woken).error());
  }
}

task<result<>> pipe_end::write_all(std::span<const std::byte> from) {
  std::size_t left_of_quantum = quantum_bytes;
  while (!from.empty()) {
    if (left_of_quantum == 0) {
      result<> outcome = co_await yield();
      if (!outcome) co_return outcome;
      left_of_quantum = quantum_bytes;
    }
    result<std::size_t> written = co_await write_some(from.first(std::min(from.size(), left_of_quantum)));
    if (!written) co_return fail(std::move(written).error());
    from = from.subspan(*written);
    left_of_quantum -= *written;
  }
  co_return result<>();
}

} // namespace weir
