// system_calls by Winsock. Its sockets are all non-blocking, whatever is asked for, and belong to this
// process alone. Pipes are those of windows_pipes.hpp. What there is none of here (duplicates, directories)
// fails with ENOSYS.
#include "windows_errors.hpp"
#include "windows_handles.hpp"
#include "windows_pipes.hpp"

#include <weir/io/platform/files.hpp>
#include <weir/io/system_calls.hpp>

#include <cerrno>
#include <cstring>

namespace weir {
namespace {

int fail_with(int number) noexcept {
  errno = number;
  return -1;
}

/// As the system gave it, made non-blocking; or -1.
int non_blocking(SOCKET made) noexcept {
  if (made == INVALID_SOCKET) return platform::fail_of_winsock();
  if (platform::set_non_blocking(made)) return platform::descriptor_of(made);
  platform::fail_of_winsock();
  const int why = errno;
  ::closesocket(made);
  return fail_with(why);
}

int result_of(int socket, int failed) noexcept {
  return failed == 0 ? 0 : platform::fail_of_winsock(socket);
}

/// A socket that listens on the loopback device, for the other end of a pair; INVALID_SOCKET.
SOCKET loopback_listener(sockaddr_in& at) noexcept {
  const SOCKET listener = platform::overlapped_socket(AF_INET, SOCK_STREAM, 0);
  at = sockaddr_in{};
  at.sin_family = AF_INET;
  at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t bytes = sizeof at;
  const auto raw = reinterpret_cast<sockaddr*>(&at);
  if (listener == INVALID_SOCKET) return INVALID_SOCKET;
  if (::bind(listener, raw, bytes) == 0 && ::listen(listener, 1) == 0 &&
      ::getsockname(listener, raw, &bytes) == 0)
    return listener;
  ::closesocket(listener);
  return INVALID_SOCKET;
}

/// What TCP_KEEPIDLE is to systems before Windows 10 1709, and to Wine.
int set_keep_alive_idle(int socket, const void* seconds) noexcept {
  int idle_s = 0;
  std::memcpy(&idle_s, seconds, sizeof idle_s);
  constexpr ULONG interval_ms = 1000; // the system's own
  tcp_keepalive wanted{1, static_cast<ULONG>(idle_s) * 1000, interval_ms};
  DWORD ignored = 0;
  return ::WSAIoctl(platform::socket_of(socket), SIO_KEEPALIVE_VALS, &wanted, sizeof wanted, nullptr, 0,
                    &ignored, nullptr, nullptr);
}

} // namespace

// --- sockets ---

int system_calls::socket(int family, int type, int protocol) noexcept {
  return non_blocking(platform::overlapped_socket(family, type & ~(SOCK_CLOEXEC | SOCK_NONBLOCK), protocol));
}

/// Streams only: a connection of the loopback device.
int system_calls::socketpair(int, int type, int, int* ends) noexcept {
  if ((type & ~(SOCK_CLOEXEC | SOCK_NONBLOCK)) != SOCK_STREAM) return fail_with(EOPNOTSUPP);
  sockaddr_in at;
  const SOCKET listener = loopback_listener(at);
  if (listener == INVALID_SOCKET) return platform::fail_of_winsock();
  const SOCKET first = platform::overlapped_socket(AF_INET, SOCK_STREAM, 0);
  SOCKET second = INVALID_SOCKET;
  if (first != INVALID_SOCKET && ::connect(first, reinterpret_cast<sockaddr*>(&at), sizeof at) == 0)
    second = ::accept(listener, nullptr, nullptr);
  ::closesocket(listener);
  ends[0] = non_blocking(first);
  ends[1] = non_blocking(second);
  if (ends[0] >= 0 && ends[1] >= 0) return 0;
  const int why = errno;
  if (ends[0] >= 0) ::closesocket(platform::socket_of(ends[0]));
  if (ends[1] >= 0) ::closesocket(platform::socket_of(ends[1]));
  return fail_with(why);
}

int system_calls::bind(int socket, const sockaddr* to, socklen_t bytes) noexcept {
  return result_of(socket, ::bind(platform::socket_of(socket), to, bytes));
}

int system_calls::listen(int socket, int backlog) noexcept {
  return result_of(socket, ::listen(platform::socket_of(socket), backlog));
}

int system_calls::connect(int socket, const sockaddr* to, socklen_t bytes) noexcept {
  if (::connect(platform::socket_of(socket), to, bytes) == 0) return 0;
  if (::WSAGetLastError() == WSAEWOULDBLOCK) return fail_with(EINPROGRESS);
  return platform::fail_of_winsock(socket);
}

int system_calls::accept4(int socket, sockaddr* from, socklen_t* bytes, int) noexcept {
  const SOCKET accepted = ::accept(platform::socket_of(socket), from, bytes);
  return accepted == INVALID_SOCKET ? platform::fail_of_winsock(socket) : non_blocking(accepted);
}

int system_calls::shutdown(int socket, int how) noexcept {
  return result_of(socket, ::shutdown(platform::socket_of(socket), how));
}

int system_calls::getsockopt(int socket, int level, int name, void* value, socklen_t* bytes) noexcept {
  std::memset(value, 0, static_cast<std::size_t>(*bytes)); // of a BOOL only the first byte comes
  if (::getsockopt(platform::socket_of(socket), level, name, static_cast<char*>(value), bytes) != 0)
    return platform::fail_of_winsock(socket);
  if (level != SOL_SOCKET || name != SO_ERROR) return 0;
  int pending = 0;
  std::memcpy(&pending, value, sizeof pending);
  pending = platform::errno_of(static_cast<unsigned long>(pending));
  std::memcpy(value, &pending, sizeof pending);
  return 0;
}

int system_calls::setsockopt(int socket, int level, int name, const void* value, socklen_t bytes) noexcept {
  // Here it would let two listeners have one port. What it does elsewhere, use of a port whose old
  // connections have not died yet, is always allowed.
  if (level == SOL_SOCKET && name == SO_REUSEADDR) return 0;
  int failed = ::setsockopt(platform::socket_of(socket), level, name, static_cast<const char*>(value), bytes);
  if (failed != 0 && ::WSAGetLastError() == WSAENOPROTOOPT && level == IPPROTO_TCP && name == TCP_KEEPIDLE)
    failed = set_keep_alive_idle(socket, value);
  return result_of(socket, failed);
}

int system_calls::getsockname(int socket, sockaddr* into, socklen_t* bytes) noexcept {
  return result_of(socket, ::getsockname(platform::socket_of(socket), into, bytes));
}

int system_calls::getpeername(int socket, sockaddr* into, socklen_t* bytes) noexcept {
  return result_of(socket, ::getpeername(platform::socket_of(socket), into, bytes));
}

ssize_t system_calls::recv(int socket, void* into, std::size_t bytes, int flags) noexcept {
  const int count = ::recv(platform::socket_of(socket), static_cast<char*>(into), static_cast<int>(bytes),
                           flags & MSG_PEEK);
  return count >= 0 ? count : platform::fail_of_winsock(socket);
}

ssize_t system_calls::send(int socket, const void* from, std::size_t bytes, int) noexcept {
  const int count =
      ::send(platform::socket_of(socket), static_cast<const char*>(from), static_cast<int>(bytes), 0);
  return count >= 0 ? count : platform::fail_of_winsock(socket);
}

ssize_t system_calls::sendto(int socket, const void* from, std::size_t bytes, int, const sockaddr* to,
                             socklen_t to_bytes) noexcept {
  const int count = ::sendto(platform::socket_of(socket), static_cast<const char*>(from),
                             static_cast<int>(bytes), 0, to, to_bytes);
  return count >= 0 ? count : platform::fail_of_winsock(socket);
}

// --- pipes ---

int system_calls::pipe2(int* ends, int) noexcept {
  platform::pipe_handles made;
  if (!platform::make_pipe(platform::pipe_use::overlapped, platform::pipe_use::overlapped, made))
    return platform::fail_of_win32();
  ends[0] = platform::descriptor_of(made.reader);
  ends[1] = platform::descriptor_of(made.writer);
  return 0;
}

ssize_t system_calls::read(int number, void* into, std::size_t bytes) noexcept {
  return platform::read_pipe(number, into, bytes);
}

ssize_t system_calls::write(int number, const void* from, std::size_t bytes) noexcept {
  return platform::write_pipe(number, from, bytes);
}

ssize_t system_calls::splice(int, int, std::size_t, unsigned) noexcept {
  return fail_with(ENOSYS);
}

// --- descriptors ---

int system_calls::close(int number) noexcept {
  if (::closesocket(platform::socket_of(number)) == 0) return 0;
  if (::WSAGetLastError() != WSAENOTSOCK) return platform::fail_of_winsock(number);
  return ::CloseHandle(platform::handle_of(number)) ? 0 : platform::fail_of_win32();
}

int system_calls::dup3(int, int, int) noexcept {
  return fail_with(ENOSYS);
}

int system_calls::fcntl(int number, int command, long) noexcept {
  DWORD flags = 0;
  if (!::GetHandleInformation(platform::handle_of(number), &flags)) return fail_with(EBADF);
  if (command == F_GETFD) return FD_CLOEXEC;
  if (command == F_GETFL) return O_NONBLOCK;
  return command == F_SETFL ? 0 : fail_with(EINVAL);
}

int system_calls::ioctl(int number, unsigned long question, int* answer) noexcept {
  if (const auto unread = question == FIONREAD ? platform::unread_of_pipe(number) : std::nullopt) {
    *answer = static_cast<int>(*unread);
    return 0;
  }
  u_long told = 0;
  if (::ioctlsocket(platform::socket_of(number), static_cast<long>(question), &told) != 0)
    return platform::fail_of_winsock();
  *answer = static_cast<int>(told);
  return 0;
}

int system_calls::poll(pollfd* watched, unsigned long count, int timeout_ms) noexcept {
  const int ready = ::WSAPoll(watched, count, timeout_ms);
  const bool is_no_socket = count == 1 && (ready < 0 || (watched->revents & POLLNVAL) != 0);
  if (is_no_socket && platform::is_pipe(platform::descriptor_of(watched->fd))) {
    const auto wanted = static_cast<unsigned short>(watched->events);
    watched->revents = static_cast<SHORT>(platform::poll_pipe(platform::descriptor_of(watched->fd), wanted));
    return watched->revents != 0;
  }
  return ready >= 0 ? ready : platform::fail_of_winsock();
}

int system_calls::open(const char*, int, mode_t) noexcept {
  return fail_with(ENOSYS);
}

std::optional<std::size_t> system_calls::descriptors_left() noexcept {
  return std::nullopt; // a process may have sixteen million handles
}

// --- signals ---

int system_calls::signalfd(int, const sigset_t&, int) noexcept {
  return fail_with(ENOSYS);
}

int system_calls::mask_signals(int, const sigset_t&, sigset_t&) noexcept {
  return fail_with(ENOSYS);
}

int system_calls::take_signal(const sigset_t&) noexcept {
  return fail_with(ENOSYS);
}

// --- paths ---

int system_calls::lstat(const char* path, struct stat* into) noexcept {
  return ::stat(path, into);
}

int system_calls::unlink(const char* path) noexcept {
  return ::DeleteFileA(path) ? 0 : platform::fail_of_win32();
}

ssize_t system_calls::getdents64(int, void*, std::size_t) noexcept {
  return fail_with(ENOSYS);
}

} // namespace weir
