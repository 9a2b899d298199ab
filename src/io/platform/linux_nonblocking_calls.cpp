#include "../nonblocking_calls.hpp"

#include <weir/io/platform/sockets.hpp>

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

namespace weir::nonblocking {
namespace {

/// Makes `call` until no signal interrupts it.
template <class Call>
auto made(system_call kind, loop_counters& counters, Call call) noexcept {
  for (;;) {
    counters.system_calls.count(kind);
    const auto result = call();
    if (result >= 0 || errno != EINTR) return result;
  }
}

int result_or_error(int result) noexcept {
  return result >= 0 ? result : -errno;
}

/// Errors of the connection that was to be accepted, which Linux reports on the listener (accept(2), "Error
/// handling"): the next in the backlog may be sound.
bool concerns_lost_connection(int number) noexcept {
  switch (number) {
  case ECONNABORTED:
  case EPROTO:
  case ENOPROTOOPT:
  case ENETDOWN:
  case ENETUNREACH:
  case EHOSTDOWN:
  case EHOSTUNREACH:
  case ENONET:
    return true;
  default:
    return false;
  }
}

int count_received(ssize_t count, loop_counters& counters) noexcept {
  ++counters.receive_calls;
  if (count >= 0) {
    counters.bytes_received += static_cast<std::uint64_t>(count);
    return static_cast<int>(count);
  }
  if (errno != EAGAIN) return -errno;
  ++counters.receive_again;
  return would_block;
}

int count_sent(ssize_t count, loop_counters& counters) noexcept {
  ++counters.send_calls;
  if (count >= 0) {
    counters.bytes_sent += static_cast<std::uint64_t>(count);
    return static_cast<int>(count);
  }
  if (errno != EAGAIN) return -errno;
  ++counters.send_again;
  return would_block;
}

/// What one call moves at most (send(2)), so that a count fits its result.
constexpr std::size_t transfer_bytes_max = 0x7fff'f000;

} // namespace

int accept(int listener, loop_counters& counters) noexcept {
  for (;;) {
    const int accepted = made(system_call::accept, counters, [&] {
      return ::accept4(listener, nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK);
    });
    if (accepted >= 0) return accepted;
    if (errno == EAGAIN) return would_block;
    if (!concerns_lost_connection(errno)) return -errno;
  }
}

int connect(const connect_operation& op, loop_counters& counters) noexcept {
  counters.system_calls.count(system_call::connect);
  if (::connect(op.descriptor(), op.address, op.address_bytes) == 0) return 0;
  // Interrupted or not, the connection goes on in the background (connect(2)).
  return errno == EINPROGRESS || errno == EINTR ? would_block : -errno;
}

int receive(int socket, std::span<std::byte> into, loop_counters& counters) noexcept {
  const std::size_t size_bytes = std::min(into.size(), transfer_bytes_max);
  return count_received(made(system_call::receive, counters,
                             [&] { return ::recv(socket, into.data(), size_bytes, MSG_DONTWAIT); }),
                        counters);
}

int receive(int socket, std::span<iovec> into, loop_counters& counters) noexcept {
  if (into.size() == 1)
    return receive(socket, {static_cast<std::byte*>(into[0].iov_base), into[0].iov_len}, counters);
  msghdr header{};
  header.msg_iov = into.data();
  header.msg_iovlen = into.size();
  return count_received(
      made(system_call::receive, counters, [&] { return ::recvmsg(socket, &header, MSG_DONTWAIT); }),
      counters);
}

namespace {

int send_bytes(int socket, const void* from, std::size_t bytes, loop_counters& counters) noexcept {
  return count_sent(made(system_call::send, counters,
                         [&] {
                           return ::send(socket, from, std::min(bytes, transfer_bytes_max),
                                         MSG_DONTWAIT | MSG_NOSIGNAL);
                         }),
                    counters);
}

} // namespace

int send(const send_operation& op, loop_counters& counters) noexcept {
  return send_bytes(op.descriptor(), op.buffer.data(), op.buffer.size(), counters);
}

int send(const send_gathered_operation& op, loop_counters& counters) noexcept {
  if (op.header.msg_iovlen == 1) {
    const iovec& whole = *op.header.msg_iov;
    return send_bytes(op.descriptor(), whole.iov_base, whole.iov_len, counters);
  }
  return count_sent(made(system_call::send, counters,
                         [&] { return ::sendmsg(op.descriptor(), &op.header, MSG_DONTWAIT | MSG_NOSIGNAL); }),
                    counters);
}

// --- messages ---

int receive(receive_message_operation& op, loop_counters& counters) noexcept {
  op.fill_header();
  return count_received(
      made(system_call::receive, counters,
           [&] { return ::recvmsg(op.descriptor(), &op.header, MSG_DONTWAIT | MSG_CMSG_CLOEXEC); }),
      counters);
}

int receive(int socket, std::span<mmsghdr> into, loop_counters& counters) noexcept {
  const int count = made(system_call::receive, counters, [&] {
    return ::recvmmsg(socket, into.data(), static_cast<unsigned>(into.size()),
                      MSG_DONTWAIT | MSG_CMSG_CLOEXEC, nullptr);
  });
  if (count < 0) return count_received(count, counters);
  ++counters.receive_calls;
  for (const mmsghdr& each : into.first(static_cast<std::size_t>(count)))
    counters.bytes_received += each.msg_len;
  return count;
}

int send(const send_message_operation& op, loop_counters& counters) noexcept {
  const int outcome =
      count_sent(made(system_call::send, counters,
                      [&] { return ::sendmsg(op.descriptor(), &op.header, MSG_DONTWAIT | MSG_NOSIGNAL); }),
                 counters);
  return outcome == would_block && tells_nothing_of_room(op) ? -EAGAIN : outcome;
}

int send(const send_messages_operation& op, loop_counters& counters) noexcept {
  const int count = made(system_call::send, counters, [&] {
    return ::sendmmsg(op.descriptor(), op.messages.data(), static_cast<unsigned>(op.messages.size()),
                      MSG_DONTWAIT | MSG_NOSIGNAL);
  });
  if (count < 0) {
    const int outcome = count_sent(count, counters);
    return outcome == would_block && tells_nothing_of_room(op) ? -EAGAIN : outcome;
  }
  ++counters.send_calls;
  for (const mmsghdr& each : op.messages.first(static_cast<std::size_t>(count)))
    counters.bytes_sent += each.msg_len;
  return count;
}

bool tells_nothing_of_room(const operation& send) noexcept {
  const msghdr& header = send.kind() == operation_kind::send_messages
                             ? static_cast<const send_messages_operation&>(send).messages.front().msg_hdr
                             : static_cast<const send_message_operation&>(send).header;
  return header.msg_name && static_cast<const sockaddr*>(header.msg_name)->sa_family == AF_UNIX;
}

int poll(int descriptor, std::uint32_t events, loop_counters& counters) noexcept {
  pollfd watched{};
  watched.fd = descriptor;
  watched.events = static_cast<short>(events);
  const int count = made(system_call::poll, counters, [&] { return ::poll(&watched, 1, 0); });
  return count < 0 ? -errno : static_cast<unsigned short>(watched.revents);
}

bool is_open(int descriptor, loop_counters& counters) noexcept {
  ++counters.system_calls;
  return ::fcntl(descriptor, F_GETFD) >= 0;
}

int close(int descriptor, loop_counters& counters) noexcept {
  counters.system_calls.count(system_call::close);
  return result_or_error(::close(descriptor)); // never twice: the number may be in use again (close(2))
}

int shutdown(const shutdown_operation& op, loop_counters& counters) noexcept {
  counters.system_calls.count(system_call::shutdown);
  return result_or_error(::shutdown(op.descriptor(), op.how));
}

} // namespace weir::nonblocking
