#include <weir/async/operations.hpp>
#include <weir/io/platform/sockets.hpp>
#include <weir/os/readiness.hpp>

namespace weir {

std::uint32_t poll_bits_of(readiness wanted) noexcept {
  std::uint32_t bits = 0;
  if (any(wanted & readiness::readable)) bits |= POLLIN;
  if (any(wanted & readiness::writable)) bits |= POLLOUT;
  if (any(wanted & readiness::priority)) bits |= POLLPRI;
  if (any(wanted & readiness::hangup)) bits |= POLLRDHUP;
  return bits;
}

readiness readiness_of_bits(std::uint32_t reported) noexcept {
  readiness sum = readiness::none;
  if (reported & POLLIN) sum = sum | readiness::readable;
  if (reported & POLLOUT) sum = sum | readiness::writable;
  if (reported & POLLPRI) sum = sum | readiness::priority;
  if (reported & (POLLHUP | POLLRDHUP)) sum = sum | readiness::hangup;
  if (reported & (POLLERR | POLLNVAL)) sum = sum | readiness::failed;
  return sum;
}

task<result<readiness>> ready(int descriptor, readiness wanted, std::source_location where) {
  result<std::uint32_t> reported = co_await async_poll(descriptor, poll_bits_of(wanted), where);
  if (!reported) co_return fail(std::move(reported).error());
  co_return readiness_of_bits(*reported);
}

task<result<>> readable(int descriptor, std::source_location where) {
  result<std::uint32_t> reported = co_await async_poll(descriptor, POLLIN, where);
  if (!reported) co_return fail(std::move(reported).error());
  co_return result<>();
}

task<result<>> writable(int descriptor, std::source_location where) {
  result<std::uint32_t> reported = co_await async_poll(descriptor, POLLOUT, where);
  if (!reported) co_return fail(std::move(reported).error());
  co_return result<>();
}

} // namespace weir
