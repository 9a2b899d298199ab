#include "worker_channel.hpp"

#include <weir/os/readiness.hpp>

#include <sys/socket.h>

#include <cerrno>

namespace weir {
namespace {

bool is_message(std::uint8_t byte) noexcept {
  switch (static_cast<worker_message>(byte)) {
  case worker_message::ready:
  case worker_message::alive:
  case worker_message::draining:
  case worker_message::drain:
    return true;
  }
  return false;
}

} // namespace

result<std::pair<worker_channel, descriptor>> worker_channel::open() {
  int ends[2];
  if (::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, ends) != 0)
    return fail(error::from_errno(errno, "socketpair"));
  return std::pair(worker_channel(descriptor(ends[0])), descriptor(ends[1]));
}

result<> worker_channel::send(worker_message what) const noexcept {
  const auto byte = static_cast<std::uint8_t>(what);
  if (::send(end_.get(), &byte, 1, MSG_NOSIGNAL | MSG_DONTWAIT) != 1)
    return fail(error::from_errno(errno, "worker channel"));
  return {};
}

task<result<std::optional<worker_message>>> worker_channel::receive() const {
  for (;;) {
    result<> pending = co_await readable(end_.get());
    if (!pending) co_return fail(std::move(pending).error());
    std::uint8_t byte = 0;
    const ssize_t got = ::recv(end_.get(), &byte, 1, MSG_DONTWAIT);
    const bool is_gone = got == 0 || (got < 0 && errno == ECONNRESET); // it left without reading all
    if (is_gone) co_return std::nullopt;
    if (got < 0 && errno != EAGAIN && errno != EINTR)
      co_return fail(error::from_errno(errno, "worker channel"));
    if (got == 1 && is_message(byte)) co_return static_cast<worker_message>(byte);
  }
}

} // namespace weir
