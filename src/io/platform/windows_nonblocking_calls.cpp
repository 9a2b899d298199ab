// The calls of nonblocking_calls.hpp by Winsock. All sockets of weir are non-blocking here: there is no flag
// of a call for it. Control data is datagrams' alone.
#include "../nonblocking_calls.hpp"
#include "windows_errors.hpp"
#include "windows_handles.hpp"
#include "windows_pipes.hpp"

#include <weir/io/system_calls.hpp>

#include <algorithm>
#include <cerrno>

namespace weir::nonblocking {
namespace {

/// What one call moves at most, so that a count fits its result.
constexpr std::size_t transfer_bytes_max = 0x7fff'f000;

int count_received(int socket, int failed, DWORD count, loop_counters& counters) noexcept {
  counters.system_calls.count(system_call::receive);
  ++counters.receive_calls;
  if (failed == 0) {
    counters.bytes_received += count;
    return static_cast<int>(count);
  }
  const int error = -platform::winsock_error_of(socket);
  if (error == -EPIPE) return 0; // this side has shut it down for receiving: an end
  if (error != -EAGAIN) return error;
  ++counters.receive_again;
  return would_block;
}

int count_sent(int socket, int failed, DWORD count, loop_counters& counters) noexcept {
  counters.system_calls.count(system_call::send);
  ++counters.send_calls;
  if (failed == 0) {
    counters.bytes_sent += count;
    return static_cast<int>(count);
  }
  const int error = -platform::winsock_error_of(socket);
  if (error != -EAGAIN) return error;
  ++counters.send_again;
  return would_block;
}

/// Wine takes a reset that came before the receive for an end.
bool was_reset(int socket) noexcept {
  WSAPOLLFD watched{};
  watched.fd = platform::socket_of(socket);
  watched.events = POLLIN;
  return ::WSAPoll(&watched, 1, 0) > 0 && (watched.revents & POLLERR) != 0;
}

} // namespace

int accept(int listener, loop_counters& counters) noexcept {
  for (;;) {
    counters.system_calls.count(system_call::accept);
    const int accepted = kernel_calls().accept4(listener, nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK);
    if (accepted >= 0) return accepted;
    if (errno == EAGAIN) return would_block;
    if (!platform::concerns_lost_connection(errno)) return -errno;
  }
}

int connect(const connect_operation& op, loop_counters& counters) noexcept {
  counters.system_calls.count(system_call::connect);
  if (kernel_calls().connect(op.descriptor(), op.address, op.address_bytes) == 0) return 0;
  return errno == EINPROGRESS ? would_block : -errno;
}

int receive(int socket, std::span<std::byte> into, loop_counters& counters) noexcept {
  iovec piece{into.data(), into.size()};
  return receive(socket, std::span(&piece, 1), counters);
}

int receive(int socket, std::span<iovec> into, loop_counters& counters) noexcept {
  platform::wsa_buffers pieces(into.data(), into.size());
  DWORD count = 0;
  DWORD flags = 0;
  const int failed =
      ::WSARecv(platform::socket_of(socket), pieces.data(), pieces.count(), &count, &flags, nullptr, nullptr);
  const bool is_reset = failed == 0 && count == 0 && was_reset(socket);
  if (is_reset) ::WSASetLastError(WSAECONNRESET);
  return count_received(socket, is_reset ? SOCKET_ERROR : failed, count, counters);
}

int send(const send_operation& op, loop_counters& counters) noexcept {
  WSABUF piece{};
  piece.len = static_cast<ULONG>(std::min(op.buffer.size(), transfer_bytes_max));
  piece.buf = reinterpret_cast<char*>(const_cast<std::byte*>(op.buffer.data())); // WSASend only reads it
  DWORD count = 0;
  const int failed = ::WSASend(platform::socket_of(op.descriptor()), &piece, 1, &count, 0, nullptr, nullptr);
  return count_sent(op.descriptor(), failed, count, counters);
}

int send(const send_gathered_operation& op, loop_counters& counters) noexcept {
  platform::wsa_buffers pieces(op.header.msg_iov, op.header.msg_iovlen);
  DWORD count = 0;
  const int failed = ::WSASend(platform::socket_of(op.descriptor()), pieces.data(), pieces.count(), &count, 0,
                               nullptr, nullptr);
  return count_sent(op.descriptor(), failed, count, counters);
}

// --- messages ---

namespace {

/// Null where the system has none.
LPFN_WSARECVMSG receive_with_control() noexcept {
  static const LPFN_WSARECVMSG found = [] {
    LPFN_WSARECVMSG function = nullptr;
    return platform::find_extension(WSAID_WSARECVMSG, function) == 0 ? function : nullptr;
  }();
  return found;
}

WSABUF buffer_of(void* memory, std::size_t bytes) noexcept {
  WSABUF buffer{};
  buffer.buf = static_cast<char*>(memory);
  buffer.len = static_cast<ULONG>(bytes);
  return buffer;
}

/// That nobody took an earlier datagram is WSAECONNRESET here; what a connection is told, too.
int as_of_datagrams(int socket, int outcome, loop_counters& counters) noexcept {
  return outcome == -ECONNRESET && check_is_datagram(socket, counters) == 0 ? -ECONNREFUSED : outcome;
}

/// Both return what the call does, and fill in what it tells. `told`: the flags of the message.
int receive_plain(int socket, msghdr& into, platform::wsa_buffers& pieces, DWORD& count,
                  DWORD& told) noexcept {
  int from_bytes = static_cast<int>(into.msg_namelen);
  told = 0;
  const int failed = ::WSARecvFrom(platform::socket_of(socket), pieces.data(), pieces.count(), &count, &told,
                                   static_cast<sockaddr*>(into.msg_name),
                                   into.msg_name ? &from_bytes : nullptr, nullptr, nullptr);
  into.msg_namelen = into.msg_name ? from_bytes : 0;
  into.msg_controllen = 0;
  return failed;
}

int receive_controlled(int socket, msghdr& into, platform::wsa_buffers& pieces, DWORD& count,
                       DWORD& told) noexcept {
  WSAMSG message{};
  message.name = static_cast<sockaddr*>(into.msg_name);
  message.namelen = static_cast<int>(into.msg_namelen);
  message.lpBuffers = pieces.data();
  message.dwBufferCount = pieces.count();
  message.Control = buffer_of(into.msg_control, into.msg_controllen);
  const int failed = receive_with_control()(platform::socket_of(socket), &message, &count, nullptr, nullptr);
  into.msg_namelen = into.msg_name ? message.namelen : 0;
  into.msg_controllen = message.Control.len;
  told = message.dwFlags;
  return failed;
}

/// One message; a longer one than there is room for is cut and told by MSG_TRUNC, as recvmsg(2) does.
int receive_one(int socket, msghdr& into, loop_counters& counters) noexcept {
  platform::wsa_buffers pieces(into.msg_iov, into.msg_iovlen);
  DWORD count = 0;
  DWORD told = 0;
  const bool wants_control = into.msg_controllen > 0 && receive_with_control();
  int failed = wants_control ? receive_controlled(socket, into, pieces, count, told)
                             : receive_plain(socket, into, pieces, count, told);
  if (failed != 0 && wants_control && ::WSAGetLastError() == WSAEOPNOTSUPP) // no datagrams
    failed = receive_plain(socket, into, pieces, count, told);
  into.msg_flags = static_cast<int>(told & (MSG_TRUNC | MSG_CTRUNC));
  if (failed != 0 && ::WSAGetLastError() == WSAEMSGSIZE) {
    count = 0;
    for (const iovec& piece : std::span(into.msg_iov, into.msg_iovlen))
      count += static_cast<DWORD>(piece.iov_len);
    into.msg_flags |= MSG_TRUNC;
    failed = 0;
  }
  return as_of_datagrams(socket, count_received(socket, failed, count, counters), counters);
}

/// Control data goes out with datagrams alone (WSASendMsg).
int send_one(int socket, const msghdr& message, loop_counters& counters) noexcept {
  platform::wsa_buffers pieces(message.msg_iov, message.msg_iovlen);
  DWORD count = 0;
  int failed = 0;
  if (message.msg_controllen > 0) {
    WSAMSG whole{};
    whole.name = static_cast<sockaddr*>(message.msg_name);
    whole.namelen = static_cast<int>(message.msg_namelen);
    whole.lpBuffers = pieces.data();
    whole.dwBufferCount = pieces.count();
    whole.Control = buffer_of(message.msg_control, message.msg_controllen);
    failed = ::WSASendMsg(platform::socket_of(socket), &whole, 0, &count, nullptr, nullptr);
  } else {
    failed = ::WSASendTo(platform::socket_of(socket), pieces.data(), pieces.count(), &count, 0,
                         static_cast<const sockaddr*>(message.msg_name),
                         static_cast<int>(message.msg_namelen), nullptr, nullptr);
  }
  return count_sent(socket, failed, count, counters);
}

} // namespace

int receive(receive_message_operation& op, loop_counters& counters) noexcept {
  op.fill_header();
  return receive_one(op.descriptor(), op.header, counters);
}

int receive(int socket, std::span<mmsghdr> into, loop_counters& counters) noexcept {
  int received = 0;
  for (mmsghdr& each : into) {
    const int count = receive_one(socket, each.msg_hdr, counters);
    if (count < 0) return received > 0 ? received : count;
    each.msg_len = static_cast<unsigned>(count);
    ++received;
  }
  return received;
}

int send(const send_message_operation& op, loop_counters& counters) noexcept {
  return send_one(op.descriptor(), op.header, counters);
}

int send(const send_messages_operation& op, loop_counters& counters) noexcept {
  int sent = 0;
  for (mmsghdr& each : op.messages) {
    const int count = send_one(op.descriptor(), each.msg_hdr, counters);
    if (count < 0) return sent > 0 ? sent : count;
    each.msg_len = static_cast<unsigned>(count);
    ++sent;
  }
  return sent;
}

bool tells_nothing_of_room(const operation&) noexcept {
  return false; // there are no datagrams of unix-domain sockets
}

// --- descriptors ---

int poll(int descriptor, std::uint32_t events, loop_counters& counters) noexcept {
  counters.system_calls.count(system_call::poll);
  WSAPOLLFD watched{};
  watched.fd = platform::socket_of(descriptor);
  watched.events = static_cast<SHORT>(events & (POLLIN | POLLOUT));
  const int count = ::WSAPoll(&watched, 1, 0);
  const bool is_no_socket = count < 0 || (watched.revents & POLLNVAL) != 0;
  if (is_no_socket && platform::is_pipe(descriptor)) return platform::poll_pipe(descriptor, events);
  if (count < 0) return -platform::winsock_error_of(descriptor);
  int ready = static_cast<unsigned short>(watched.revents);
  if ((ready & POLLHUP) && (events & POLLRDHUP)) ready |= POLLRDHUP; // both ends are this one
  return ready;
}

bool is_open(int descriptor, loop_counters& counters) noexcept {
  ++counters.system_calls;
  DWORD flags = 0;
  return ::GetHandleInformation(platform::handle_of(descriptor), &flags) != 0;
}

int close(int descriptor, loop_counters& counters) noexcept {
  counters.system_calls.count(system_call::close);
  return kernel_calls().close(descriptor) == 0 ? 0 : -errno;
}

int shutdown(const shutdown_operation& op, loop_counters& counters) noexcept {
  counters.system_calls.count(system_call::shutdown);
  return kernel_calls().shutdown(op.descriptor(), op.how) == 0 ? 0 : -errno;
}

} // namespace weir::nonblocking
