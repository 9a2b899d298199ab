#include <weir/io/platform/sockets.hpp>
#include <weir/io/system_calls.hpp>

#include <dirent.h>
#include <fcntl.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <ctime>

namespace weir {
namespace {

/// Not by std::filesystem, whose iterators of libstdc++ 12 end the program where memory is short.
std::size_t open_descriptor_count(std::size_t limit) noexcept {
  DIR* const all = ::opendir("/proc/self/fd");
  if (!all) return errno == EMFILE ? limit : 0;
  std::size_t count = 0;
  while (const dirent* each = ::readdir(all))
    if (each->d_name[0] != '.') ++count;
  ::closedir(all);
  return count - 1; // its own
}

} // namespace

// --- sockets ---

int system_calls::socket(int family, int type, int protocol) noexcept {
  return ::socket(family, type, protocol);
}

int system_calls::socketpair(int family, int type, int protocol, int* ends) noexcept {
  return ::socketpair(family, type, protocol, ends);
}

int system_calls::bind(int socket, const sockaddr* to, socklen_t bytes) noexcept {
  return ::bind(socket, to, bytes);
}

int system_calls::listen(int socket, int backlog) noexcept {
  return ::listen(socket, backlog);
}

int system_calls::connect(int socket, const sockaddr* to, socklen_t bytes) noexcept {
  return ::connect(socket, to, bytes);
}

int system_calls::accept4(int socket, sockaddr* from, socklen_t* bytes, int flags) noexcept {
  return ::accept4(socket, from, bytes, flags);
}

int system_calls::shutdown(int socket, int how) noexcept {
  return ::shutdown(socket, how);
}

int system_calls::getsockopt(int socket, int level, int name, void* value, socklen_t* bytes) noexcept {
  return ::getsockopt(socket, level, name, value, bytes);
}

int system_calls::setsockopt(int socket, int level, int name, const void* value, socklen_t bytes) noexcept {
  return ::setsockopt(socket, level, name, value, bytes);
}

int system_calls::getsockname(int socket, sockaddr* into, socklen_t* bytes) noexcept {
  return ::getsockname(socket, into, bytes);
}

int system_calls::getpeername(int socket, sockaddr* into, socklen_t* bytes) noexcept {
  return ::getpeername(socket, into, bytes);
}

ssize_t system_calls::recv(int socket, void* into, std::size_t bytes, int flags) noexcept {
  return ::recv(socket, into, bytes, flags);
}

ssize_t system_calls::send(int socket, const void* from, std::size_t bytes, int flags) noexcept {
  return ::send(socket, from, bytes, flags);
}

ssize_t system_calls::sendto(int socket, const void* from, std::size_t bytes, int flags, const sockaddr* to,
                             socklen_t to_bytes) noexcept {
  return ::sendto(socket, from, bytes, flags, to, to_bytes);
}

// --- pipes ---

int system_calls::pipe2(int* ends, int flags) noexcept {
  return ::pipe2(ends, flags);
}

ssize_t system_calls::read(int number, void* into, std::size_t bytes) noexcept {
  return ::read(number, into, bytes);
}

ssize_t system_calls::write(int number, const void* from, std::size_t bytes) noexcept {
  return ::write(number, from, bytes);
}

ssize_t system_calls::splice(int from, int to, std::size_t bytes, unsigned flags) noexcept {
  return ::splice(from, nullptr, to, nullptr, bytes, flags);
}

// --- descriptors ---

int system_calls::close(int number) noexcept {
  return ::close(number);
}

int system_calls::dup3(int number, int as, int flags) noexcept {
  return ::dup3(number, as, flags);
}

int system_calls::fcntl(int number, int command, long argument) noexcept {
  return ::fcntl(number, command, argument);
}

int system_calls::ioctl(int number, unsigned long question, int* answer) noexcept {
  return ::ioctl(number, question, answer);
}

int system_calls::poll(pollfd* watched, unsigned long count, int timeout_ms) noexcept {
  return ::poll(watched, count, timeout_ms);
}

int system_calls::open(const char* path, int flags, mode_t permissions) noexcept {
  return ::open(path, flags, permissions);
}

std::optional<std::size_t> system_calls::descriptors_left() noexcept {
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur == RLIM_INFINITY) return std::nullopt;
  return limit.rlim_cur - std::min<std::size_t>(limit.rlim_cur, open_descriptor_count(limit.rlim_cur));
}

// --- signals ---

int system_calls::signalfd(int number, const sigset_t& wanted, int flags) noexcept {
  return ::signalfd(number, &wanted, flags);
}

int system_calls::mask_signals(int how, const sigset_t& which, sigset_t& before) noexcept {
  errno = ::pthread_sigmask(how, &which, &before);
  return errno == 0 ? 0 : -1;
}

int system_calls::take_signal(const sigset_t& wanted) noexcept {
  constexpr timespec at_once{0, 0};
  int taken = 0;
  do {
    taken = ::sigtimedwait(&wanted, nullptr, &at_once);
  } while (taken < 0 && errno == EINTR);
  return taken;
}

// --- paths ---

int system_calls::lstat(const char* path, struct stat* into) noexcept {
  return ::lstat(path, into);
}

int system_calls::unlink(const char* path) noexcept {
  return ::unlink(path);
}

ssize_t system_calls::getdents64(int directory, void* into, std::size_t bytes) noexcept {
  return ::getdents64(directory, into, bytes);
}

} // namespace weir
