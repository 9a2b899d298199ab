// The calls that weir makes, in front of libc's. Each fails as its man page says it may, when a planned_fault
// strikes it. Part of every test program but those that define these calls themselves.
#include <dlfcn.h>
#include <poll.h>
#include <support/faults.hpp>
#include <support/sanitized.hpp>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/inotify.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>

#if !WEIR_TEST_IS_SANITIZED

namespace {

template <class Function>
Function* next(const char* name) noexcept {
  return reinterpret_cast<Function*>(::dlsym(RTLD_NEXT, name));
}

bool strikes(const char* name, int error) noexcept {
  if (!weir::test::planned_fault::strikes(weir::test::fault_kind::system_call, name)) return false;
  errno = error;
  return true;
}

} // namespace

#define WEIR_MAY_FAIL(error, type, name, parameters, arguments, ...)                                         \
  extern "C" type name parameters __VA_ARGS__ {                                                              \
    static const auto real = next<type parameters>(#name);                                                   \
    return strikes(#name, error) ? static_cast<type>(-1) : real arguments;                                   \
  }

// clang-format off
WEIR_MAY_FAIL(EMFILE, int, socket, (int family, int type, int protocol), (family, type, protocol), noexcept)
WEIR_MAY_FAIL(ENOBUFS, int, setsockopt, (int fd, int level, int name, const void* value, socklen_t bytes), (fd, level, name, value, bytes), noexcept)
WEIR_MAY_FAIL(ENOBUFS, int, getsockopt, (int fd, int level, int name, void* value, socklen_t* bytes), (fd, level, name, value, bytes), noexcept)
WEIR_MAY_FAIL(ENOBUFS, int, getsockname, (int fd, sockaddr* to, socklen_t* bytes), (fd, to, bytes), noexcept)
WEIR_MAY_FAIL(ENOTCONN, int, getpeername, (int fd, sockaddr* to, socklen_t* bytes), (fd, to, bytes), noexcept)
WEIR_MAY_FAIL(EADDRINUSE, int, bind, (int fd, const sockaddr* at, socklen_t bytes), (fd, at, bytes), noexcept)
WEIR_MAY_FAIL(EADDRINUSE, int, listen, (int fd, int backlog), (fd, backlog), noexcept)
WEIR_MAY_FAIL(EMFILE, int, accept4, (int fd, sockaddr* from, socklen_t* bytes, int flags), (fd, from, bytes, flags))
WEIR_MAY_FAIL(ENETUNREACH, int, connect, (int fd, const sockaddr* to, socklen_t bytes), (fd, to, bytes))
WEIR_MAY_FAIL(ENOMEM, ssize_t, recv, (int fd, void* into, size_t bytes, int flags), (fd, into, bytes, flags))
WEIR_MAY_FAIL(ENOMEM, ssize_t, recvmsg, (int fd, msghdr* into, int flags), (fd, into, flags))
WEIR_MAY_FAIL(ENOBUFS, ssize_t, send, (int fd, const void* from, size_t bytes, int flags), (fd, from, bytes, flags))
WEIR_MAY_FAIL(ENOBUFS, ssize_t, sendmsg, (int fd, const msghdr* from, int flags), (fd, from, flags))
WEIR_MAY_FAIL(ENOTCONN, int, shutdown, (int fd, int how), (fd, how), noexcept)
WEIR_MAY_FAIL(EMFILE, int, epoll_create1, (int flags), (flags), noexcept)
WEIR_MAY_FAIL(ENOSPC, int, epoll_ctl, (int fd, int operation, int watched, epoll_event* event), (fd, operation, watched, event), noexcept)
WEIR_MAY_FAIL(EINTR, int, epoll_wait, (int fd, epoll_event* events, int count, int timeout_ms), (fd, events, count, timeout_ms))
WEIR_MAY_FAIL(EMFILE, int, eventfd, (unsigned count, int flags), (count, flags), noexcept)
WEIR_MAY_FAIL(EMFILE, int, signalfd, (int fd, const sigset_t* mask, int flags), (fd, mask, flags), noexcept)
WEIR_MAY_FAIL(EMFILE, int, inotify_init1, (int flags), (flags), noexcept)
WEIR_MAY_FAIL(ENOSPC, int, inotify_add_watch, (int fd, const char* path, uint32_t mask), (fd, path, mask), noexcept)
WEIR_MAY_FAIL(EMFILE, int, pipe2, (int ends[2], int flags), (ends, flags), noexcept)
WEIR_MAY_FAIL(ENOMEM, int, poll, (pollfd* watched, nfds_t count, int timeout_ms), (watched, count, timeout_ms))
// clang-format on

#endif
