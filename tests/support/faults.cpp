#include <dlfcn.h>
#include <poll.h>
#include <support/faults.hpp>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/inotify.h>
#include <sys/mman.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <ostream>

#if defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define WEIR_SANITIZER_HAS_CALLS
#endif
#endif

namespace weir::test {
namespace {

struct plan {
  bool is_armed = false;
  bool was_met = false;
  fault_kind kind = fault_kind::operation;
  std::uint64_t steps_left = 0;
  std::uint64_t allocations_at_strike = 0;
  const char* where = "";
};
thread_local plan planned;

} // namespace

std::string_view name_of(fault_kind kind) noexcept {
  switch (kind) {
  case fault_kind::allocation:
    return "allocation";
  case fault_kind::system_call:
    return "system_call";
  case fault_kind::operation:
    return "operation";
  }
  return "";
}

void PrintTo(fault_kind kind, std::ostream* out) {
  *out << name_of(kind);
}

bool can_fail([[maybe_unused]] fault_kind kind) noexcept {
#ifdef WEIR_SANITIZER_HAS_CALLS
  return kind == fault_kind::operation;
#else
  return true;
#endif
}

planned_fault::planned_fault(fault_kind kind, std::uint64_t nth) noexcept {
  planned = plan{true, false, kind, nth, allocations_of_this_thread() + nth, ""};
  if (kind == fault_kind::allocation && !fail_allocation(nth)) planned.is_armed = false;
}

planned_fault::~planned_fault() {
  if (planned.kind == fault_kind::allocation) (void)fail_allocation(0);
  planned = plan{};
}

bool planned_fault::was_met() const noexcept {
  if (planned.kind != fault_kind::allocation) return planned.was_met;
  return planned.is_armed && allocations_of_this_thread() >= planned.allocations_at_strike;
}

std::string_view planned_fault::where() const noexcept {
  return planned.where;
}

bool planned_fault::strikes(fault_kind kind, const char* step) noexcept {
  if (!planned.is_armed || planned.kind != kind || planned.steps_left == 0 || --planned.steps_left > 0)
    return false;
  planned.was_met = true;
  planned.where = step;
  return true;
}

} // namespace weir::test

#ifndef WEIR_SANITIZER_HAS_CALLS

// The calls that weir makes, in front of libc's. Each fails as its man page says it may.
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
