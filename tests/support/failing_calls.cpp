// The calls that weir makes, in front of libc's. Each fails as its man page says it may, when a planned_fault
// strikes it. Part of every test program but those that define these calls themselves.
#include <dirent.h>
#include <dlfcn.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <spawn.h>
#include <support/faults.hpp>
#include <support/sanitized.hpp>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/inotify.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstdarg>
#include <cstdio>

#if !WEIR_TEST_IS_SANITIZED

namespace {

template <class Function>
Function* next(const char* name) noexcept {
  return reinterpret_cast<Function*>(::dlsym(RTLD_NEXT, name));
}

bool strikes(const char* name, int error) noexcept {
  if (!weir::test::planned_fault::strikes_call(name)) return false;
  errno = error;
  return true;
}

} // namespace

#define WEIR_MAY_FAIL(error, type, name, parameters, arguments, ...)                                         \
  extern "C" type name parameters __VA_ARGS__ {                                                              \
    static const auto real = next<type parameters>(#name);                                                   \
    return strikes(#name, error) ? static_cast<type>(-1) : real arguments;                                   \
  }

/// Of those that return the error.
#define WEIR_MAY_REFUSE(error, name, parameters, arguments, ...)                                             \
  extern "C" int name parameters __VA_ARGS__ {                                                               \
    static const auto real = next<int parameters>(#name);                                                    \
    return strikes(#name, error) ? error : real arguments;                                                   \
  }

// clang-format off
WEIR_MAY_FAIL(EMFILE, int, socket, (int family, int type, int protocol), (family, type, protocol), noexcept)
WEIR_MAY_FAIL(EMFILE, int, socketpair, (int family, int type, int protocol, int ends[2]), (family, type, protocol, ends), noexcept)
WEIR_MAY_FAIL(ENOBUFS, int, setsockopt, (int fd, int level, int name, const void* value, socklen_t bytes), (fd, level, name, value, bytes), noexcept)
WEIR_MAY_FAIL(ENOBUFS, int, getsockopt, (int fd, int level, int name, void* value, socklen_t* bytes), (fd, level, name, value, bytes), noexcept)
WEIR_MAY_FAIL(ENOBUFS, int, getsockname, (int fd, sockaddr* to, socklen_t* bytes), (fd, to, bytes), noexcept)
WEIR_MAY_FAIL(ENOTCONN, int, getpeername, (int fd, sockaddr* to, socklen_t* bytes), (fd, to, bytes), noexcept)
WEIR_MAY_FAIL(EADDRINUSE, int, bind, (int fd, const sockaddr* at, socklen_t bytes), (fd, at, bytes), noexcept)
WEIR_MAY_FAIL(EADDRINUSE, int, listen, (int fd, int backlog), (fd, backlog), noexcept)
WEIR_MAY_FAIL(EMFILE, int, accept4, (int fd, sockaddr* from, socklen_t* bytes, int flags), (fd, from, bytes, flags))
WEIR_MAY_FAIL(ENETUNREACH, int, connect, (int fd, const sockaddr* to, socklen_t bytes), (fd, to, bytes))
WEIR_MAY_FAIL(ENOMEM, ssize_t, recv, (int fd, void* into, size_t bytes, int flags), (fd, into, bytes, flags))
WEIR_MAY_FAIL(ENOMEM, ssize_t, recvfrom, (int fd, void* into, size_t bytes, int flags, sockaddr* from, socklen_t* from_bytes), (fd, into, bytes, flags, from, from_bytes))
WEIR_MAY_FAIL(ENOMEM, ssize_t, recvmsg, (int fd, msghdr* into, int flags), (fd, into, flags))
WEIR_MAY_FAIL(ENOMEM, int, recvmmsg, (int fd, mmsghdr* into, unsigned count, int flags, timespec* patience), (fd, into, count, flags, patience))
WEIR_MAY_FAIL(ENOBUFS, ssize_t, sendto, (int fd, const void* from, size_t bytes, int flags, const sockaddr* to, socklen_t to_bytes), (fd, from, bytes, flags, to, to_bytes))
WEIR_MAY_FAIL(ENOBUFS, ssize_t, sendmsg, (int fd, const msghdr* from, int flags), (fd, from, flags))
WEIR_MAY_FAIL(ENOBUFS, int, sendmmsg, (int fd, mmsghdr* from, unsigned count, int flags), (fd, from, count, flags))
WEIR_MAY_FAIL(ENOTCONN, int, shutdown, (int fd, int how), (fd, how), noexcept)
WEIR_MAY_FAIL(EMFILE, int, epoll_create1, (int flags), (flags), noexcept)
WEIR_MAY_FAIL(ENOSPC, int, epoll_ctl, (int fd, int operation, int watched, epoll_event* event), (fd, operation, watched, event), noexcept)
WEIR_MAY_FAIL(EINTR, int, epoll_wait, (int fd, epoll_event* events, int count, int timeout_ms), (fd, events, count, timeout_ms))
WEIR_MAY_FAIL(EINTR, int, epoll_pwait2, (int fd, epoll_event* events, int count, const timespec* timeout, const sigset_t* mask), (fd, events, count, timeout, mask))
WEIR_MAY_FAIL(EMFILE, int, eventfd, (unsigned count, int flags), (count, flags), noexcept)
WEIR_MAY_FAIL(EMFILE, int, signalfd, (int fd, const sigset_t* mask, int flags), (fd, mask, flags), noexcept)
WEIR_MAY_FAIL(EMFILE, int, inotify_init1, (int flags), (flags), noexcept)
WEIR_MAY_FAIL(ENOSPC, int, inotify_add_watch, (int fd, const char* path, uint32_t mask), (fd, path, mask), noexcept)
WEIR_MAY_FAIL(EMFILE, int, pipe2, (int ends[2], int flags), (ends, flags), noexcept)
WEIR_MAY_FAIL(ENOMEM, int, poll, (pollfd* watched, nfds_t count, int timeout_ms), (watched, count, timeout_ms))
WEIR_MAY_FAIL(EIO, ssize_t, preadv, (int fd, const iovec* into, int count, off_t offset), (fd, into, count, offset))
WEIR_MAY_FAIL(ENOSPC, ssize_t, pwritev, (int fd, const iovec* from, int count, off_t offset), (fd, from, count, offset))
WEIR_MAY_FAIL(ENOMEM, ssize_t, splice, (int from, off64_t* from_offset, int to, off64_t* to_offset, size_t bytes, unsigned flags), (from, from_offset, to, to_offset, bytes, flags))
WEIR_MAY_FAIL(EIO, int, fsync, (int fd), (fd))
WEIR_MAY_FAIL(EIO, int, fdatasync, (int fd), (fd))
WEIR_MAY_FAIL(ENOSPC, int, fallocate, (int fd, int mode, off_t offset, off_t bytes), (fd, mode, offset, bytes))
WEIR_MAY_FAIL(EIO, int, ftruncate, (int fd, off_t bytes), (fd, bytes), noexcept)
WEIR_MAY_FAIL(EIO, int, statx, (int directory, const char* path, int flags, unsigned mask, struct statx* into), (directory, path, flags, mask, into), noexcept)
WEIR_MAY_FAIL(EIO, int, renameat2, (int from_directory, const char* from, int to_directory, const char* to, unsigned flags), (from_directory, from, to_directory, to, flags), noexcept)
WEIR_MAY_FAIL(EIO, int, unlinkat, (int directory, const char* path, int flags), (directory, path, flags), noexcept)
WEIR_MAY_FAIL(ENOSPC, int, mkdirat, (int directory, const char* path, mode_t mode), (directory, path, mode), noexcept)
WEIR_MAY_FAIL(EIO, ssize_t, getdents64, (int fd, void* into, size_t bytes), (fd, into, bytes), noexcept)
WEIR_MAY_FAIL(ECHILD, int, waitid, (idtype_t kind, id_t which, siginfo_t* told, int options), (kind, which, told, options))
WEIR_MAY_REFUSE(ENOMEM, posix_spawnp, (pid_t* id, const char* program, const posix_spawn_file_actions_t* actions, const posix_spawnattr_t* attributes, char* const arguments[], char* const environment[]), (id, program, actions, attributes, arguments, environment))
WEIR_MAY_REFUSE(ENOMEM, posix_spawn_file_actions_adddup2, (posix_spawn_file_actions_t* actions, int from, int to), (actions, from, to), noexcept)
WEIR_MAY_REFUSE(EAGAIN, pthread_create, (pthread_t* made, const pthread_attr_t* attributes, void* (*body)(void*), void* argument), (made, attributes, body, argument), noexcept)
// clang-format on

/// The connection is gone then: libpq, which drops what it could not send, would wait for last words for
/// ever.
extern "C" ssize_t send(int fd, const void* from, size_t bytes, int flags) {
  static const auto real = next<ssize_t(int, const void*, size_t, int)>("send");
  static const auto end = next<int(int, int)>("shutdown");
  if (!strikes("send", EPIPE)) return real(fd, from, bytes, flags);
  end(fd, SHUT_RDWR);
  errno = EPIPE;
  return -1;
}

/// An eventfd has no error to give: its eight bytes are spared.
extern "C" ssize_t read(int fd, void* into, size_t bytes) {
  static const auto real = next<ssize_t(int, void*, size_t)>("read");
  return bytes != sizeof(eventfd_t) && strikes("read", EIO) ? -1 : real(fd, into, bytes);
}

extern "C" ssize_t write(int fd, const void* from, size_t bytes) {
  static const auto real = next<ssize_t(int, const void*, size_t)>("write");
  return bytes != sizeof(eventfd_t) && strikes("write", EIO) ? -1 : real(fd, from, bytes);
}

/// The descriptor is gone whatever the result (close(2)).
extern "C" int close(int fd) {
  static const auto real = next<int(int)>("close");
  const int result = real(fd);
  return strikes("close", EIO) ? -1 : result;
}

extern "C" int open(const char* path, int flags, ...) {
  static const auto real = next<int(const char*, int, ...)>("open");
  va_list more;
  va_start(more, flags);
  const mode_t mode = (flags & (O_CREAT | O_TMPFILE)) != 0 ? va_arg(more, mode_t) : 0;
  va_end(more);
  return strikes("open", EMFILE) ? -1 : real(path, flags, mode);
}

extern "C" int openat(int directory, const char* path, int flags, ...) {
  static const auto real = next<int(int, const char*, int, ...)>("openat");
  va_list more;
  va_start(more, flags);
  const mode_t mode = (flags & (O_CREAT | O_TMPFILE)) != 0 ? va_arg(more, mode_t) : 0;
  va_end(more);
  return strikes("openat", EMFILE) ? -1 : real(directory, path, flags, mode);
}

extern "C" int fcntl(int fd, int what, ...) {
  static const auto real = next<int(int, int, ...)>("fcntl");
  va_list more;
  va_start(more, what);
  void* const argument = va_arg(more, void*);
  va_end(more);
  return strikes("fcntl", what == F_DUPFD_CLOEXEC ? EMFILE : EPERM) ? -1 : real(fd, what, argument);
}

/// Of those that libc has no function for, one fails that weir makes.
extern "C" long syscall(long number, ...) noexcept {
  static const auto real = next<long(long, ...)>("syscall");
  va_list more;
  va_start(more, number);
  long arguments[6];
  for (long& each : arguments) each = va_arg(more, long);
  va_end(more);
  if (number == SYS_pidfd_open && strikes("pidfd_open", EMFILE)) return -1;
  return real(number, arguments[0], arguments[1], arguments[2], arguments[3], arguments[4], arguments[5]);
}

#endif
