#include <weir/async/yield.hpp>
#include <weir/io/platform/files.hpp>
#include <weir/io/system_calls.hpp>
#include <weir/os/pipe_end.hpp>
#include <weir/os/readiness.hpp>

#include <algorithm>
#include <cerrno>

namespace weir {
namespace {

/// What a long write hands over before it lets others run: a fast reader would never make it wait.
constexpr std::size_t quantum_bytes = 256 * 1024;

} // namespace

result<pipe_end> pipe_end::adopt(descriptor end) {
  const int flags = calls().fcntl(end.get(), F_GETFL, 0);
  if (flags < 0 || calls().fcntl(end.get(), F_SETFL, flags | O_NONBLOCK) != 0)
    return fail(error::from_errno(errno, "pipe_end"));
  return pipe_end(std::move(end));
}

task<result<std::size_t>> pipe_end::read_some(std::span<std::byte> into) {
  for (;;) {
    result<> woken = co_await readable(end_.get());
    if (!woken) co_return fail(std::move(woken).error());
    const ssize_t got = calls().read(end_.get(), into.data(), into.size());
    if (got >= 0) co_return static_cast<std::size_t>(got);
    if (errno != EAGAIN && errno != EINTR) co_return fail(error::from_errno(errno, "read"));
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
