#include "without_sigpipe.hpp"

#include <weir/async/scope.hpp>
#include <weir/io/system_calls.hpp>
#include <weir/os/readiness.hpp>
#include <weir/os/splice_pipe.hpp>

#include <fcntl.h>

#include <cerrno>

namespace weir {
namespace {

/// As much as a stream may take in a turn, twice: fewer calls for large transfers.
constexpr int wanted_capacity_bytes = 256 * 1024;
constexpr std::size_t default_capacity_bytes = 64 * 1024; // pipe(7)

constexpr unsigned splice_flags = SPLICE_F_MOVE | SPLICE_F_NONBLOCK;

} // namespace

result<splice_pipe> splice_pipe::open() {
  int ends[2];
  if (calls().pipe2(ends, O_CLOEXEC | O_NONBLOCK) != 0) return fail(error::from_errno(errno, "pipe2"));
  const int granted =
      calls().fcntl(ends[1], F_SETPIPE_SZ, wanted_capacity_bytes); // not beyond the user's share
  const auto capacity = granted > 0 ? static_cast<std::size_t>(granted) : default_capacity_bytes;
  return splice_pipe(descriptor(ends[0]), descriptor(ends[1]), capacity);
}

task<result<std::size_t>> splice_pipe::fill_from(int source) {
  for (;;) {
    result<> woken = co_await readable(source);
    if (!woken) co_return fail(std::move(woken).error());
    const ssize_t got = calls().splice(source, input_.get(), capacity_bytes_, splice_flags);
    if (got >= 0) {
      filled(static_cast<std::size_t>(got));
      co_return static_cast<std::size_t>(got);
    }
    if (errno != EAGAIN && errno != EINTR) co_return fail(error::from_errno(errno, "splice"));
  }
}

task<result<std::size_t>> splice_pipe::drain_to(int sink) {
  cancellation* scope = co_await current_cancellation();
  if (scope && scope->is_requested()) co_return fail(std::errc::operation_canceled, "splice");
  for (;;) {
    const ssize_t put =
        without_sigpipe([&] { return calls().splice(output_.get(), sink, held_bytes_, splice_flags); });
    if (put > 0) {
      held_bytes_ -= static_cast<std::size_t>(put);
      co_return static_cast<std::size_t>(put);
    }
    if (put < 0 && errno != EAGAIN && errno != EINTR) co_return fail(error::from_errno(errno, "splice"));
    result<> woken = co_await writable(sink);
    if (!woken) co_return fail(std::move(woken).error());
  }
}

task<transfer> relay(int source, int sink) {
  std::size_t moved_bytes = 0;
  result<splice_pipe> way = splice_pipe::open();
  if (!way) co_return transfer(moved_bytes, std::move(way).error());
  for (;;) {
    result<std::size_t> taken = co_await way->fill_from(source);
    if (!taken) co_return transfer(moved_bytes, std::move(taken).error());
    if (*taken == 0) co_return transfer(moved_bytes);
    while (way->held_bytes() > 0) {
      result<std::size_t> moved = co_await way->drain_to(sink);
      if (!moved) co_return transfer(moved_bytes, std::move(moved).error());
      moved_bytes += *moved;
    }
  }
}

} // namespace weir
