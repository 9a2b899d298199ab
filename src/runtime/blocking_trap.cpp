#include "watchdog_stack.hpp"

#include <weir/io/loop.hpp>
#include <weir/runtime/blocking_trap.hpp>

#include <dlfcn.h>
#include <execinfo.h>
#include <fcntl.h>
#include <netdb.h>
#include <poll.h>
#include <sys/epoll.h>
#include <sys/select.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <cerrno>
#include <cstdio>
#include <ctime>
#include <exception>

namespace weir::blocking_trap {
namespace {

std::atomic<hook> hook_in_force{print_call};
thread_local bool is_telling = false; ///< what the hook calls is no business of ours

/// The same function of the C library.
template <class Function>
Function* next_of(const char* name) noexcept {
  return reinterpret_cast<Function*>(::dlsym(RTLD_NEXT, name));
}

#define WEIR_NEXT(function) static auto* const next = next_of<decltype(::function)>(#function)

bool is_in_handler() noexcept {
  if (is_telling) return false;
  const loop* const home = loop::current();
  return home && home->measured().now.read().value.phase != loop_phase::waiting;
}

void tell(const char* function, int descriptor, void* caller) noexcept {
  const int kept_errno = errno;
  loop& home = *loop::current();
  ++home.counters().calls_blocking;
  blocking_call call;
  call.function = function;
  call.descriptor = descriptor;
  call.during = home.measured().now.read().value;
  call.caller = caller;
  is_telling = true;
  hook_in_force.load()(call);
  is_telling = false;
  errno = kept_errno;
}

bool would_wait(int descriptor, short events) noexcept {
  WEIR_NEXT(poll);
  const int kept_errno = errno;
  const int flags = ::fcntl(descriptor, F_GETFL);
  pollfd asked{descriptor, events, 0};
  const bool waits = flags >= 0 && (flags & O_NONBLOCK) == 0 && next(&asked, 1, 0) == 0;
  errno = kept_errno;
  return waits;
}

bool is_blocking(int descriptor) noexcept {
  const int flags = ::fcntl(descriptor, F_GETFL);
  return flags >= 0 && (flags & O_NONBLOCK) == 0;
}

bool is_some_time(const timespec* duration) noexcept {
  return duration && (duration->tv_sec > 0 || duration->tv_nsec > 0);
}

bool is_new_place(void* caller) noexcept {
  static std::array<std::atomic<void*>, 64> places{};
  for (std::atomic<void*>& each : places) {
    void* known = nullptr;
    if (each.compare_exchange_strong(known, caller)) return true;
    if (known == caller) return false;
  }
  return false;
}

} // namespace

void on_call(hook told) noexcept {
  hook_in_force = told;
}

void print_call(const blocking_call& call) noexcept {
  if (!is_new_place(call.caller)) return;
  std::fprintf(stderr, "weir: %s blocks the loop, in phase %s", call.function,
               name_of(call.during.phase).data());
  if (call.during.has_operation)
    std::fprintf(stderr, ", in the handler of %s awaited at %s:%u", name_of(call.during.kind).data(),
                 call.during.where.file_name(), static_cast<unsigned>(call.during.where.line()));
  std::fputs(":\n", stderr);
  std::array<void*, 24> frames;
  const int count = ::backtrace(frames.data(), static_cast<int>(frames.size()));
  try {
    for (int i = 1; i < count; ++i)
      std::fprintf(stderr, "  %s\n", watchdog_stack::describe(frames[static_cast<std::size_t>(i)]).c_str());
  } catch (const std::exception&) { // out of memory: the line above must do
  }
}

} // namespace weir::blocking_trap

// --- the calls, as the C library has them ---

using namespace weir::blocking_trap;

/// A definition of a call that is named as the C library names it.
#define WEIR_CALL(type, name, parameters) type name parameters
#define WEIR_CALLER __builtin_extract_return_addr(__builtin_return_address(0))
/// Tells of the call when `blocks`, an expression that is evaluated in handlers only.
#define WEIR_TRAP(function, descriptor, blocks)                                                              \
  WEIR_NEXT(function);                                                                                       \
  if (is_in_handler() && (blocks)) tell(#function, descriptor, WEIR_CALLER)

extern "C" {

WEIR_CALL(unsigned, sleep, (unsigned seconds)) {
  WEIR_TRAP(sleep, -1, seconds > 0);
  return next(seconds);
}

WEIR_CALL(int, usleep, (useconds_t duration_us)) {
  WEIR_TRAP(usleep, -1, duration_us > 0);
  return next(duration_us);
}

WEIR_CALL(int, nanosleep, (const timespec* duration, timespec* left)) {
  WEIR_TRAP(nanosleep, -1, is_some_time(duration));
  return next(duration, left);
}

WEIR_CALL(int, clock_nanosleep, (clockid_t clock, int flags, const timespec* until, timespec* left)) {
  WEIR_TRAP(clock_nanosleep, -1, is_some_time(until));
  return next(clock, flags, until, left);
}

WEIR_CALL(int, poll, (pollfd * watched, nfds_t count, int timeout_ms)) {
  WEIR_TRAP(poll, count == 1 ? watched->fd : -1, timeout_ms != 0);
  return next(watched, count, timeout_ms);
}

WEIR_CALL(int, ppoll, (pollfd * watched, nfds_t count, const timespec* timeout, const sigset_t* mask)) {
  WEIR_TRAP(ppoll, count == 1 ? watched->fd : -1, !timeout || is_some_time(timeout));
  return next(watched, count, timeout, mask);
}

WEIR_CALL(int, select, (int count, fd_set* readable, fd_set* writable, fd_set* failed, timeval* timeout)) {
  WEIR_TRAP(select, -1, !timeout || timeout->tv_sec > 0 || timeout->tv_usec > 0);
  return next(count, readable, writable, failed, timeout);
}

WEIR_CALL(int, epoll_wait, (int epoll, epoll_event* events, int events_max, int timeout_ms)) {
  WEIR_TRAP(epoll_wait, epoll, timeout_ms != 0);
  return next(epoll, events, events_max, timeout_ms);
}

WEIR_CALL(ssize_t, read, (int descriptor, void* into, size_t size)) {
  WEIR_TRAP(read, descriptor, would_wait(descriptor, POLLIN));
  return next(descriptor, into, size);
}

WEIR_CALL(ssize_t, recv, (int socket, void* into, size_t size, int flags)) {
  WEIR_TRAP(recv, socket, (flags & MSG_DONTWAIT) == 0 && would_wait(socket, POLLIN));
  return next(socket, into, size, flags);
}

WEIR_CALL(ssize_t, recvmsg, (int socket, msghdr* header, int flags)) {
  WEIR_TRAP(recvmsg, socket, (flags & MSG_DONTWAIT) == 0 && would_wait(socket, POLLIN));
  return next(socket, header, flags);
}

WEIR_CALL(ssize_t, write, (int descriptor, const void* from, size_t size)) {
  WEIR_TRAP(write, descriptor, would_wait(descriptor, POLLOUT));
  return next(descriptor, from, size);
}

WEIR_CALL(ssize_t, send, (int socket, const void* from, size_t size, int flags)) {
  WEIR_TRAP(send, socket, (flags & MSG_DONTWAIT) == 0 && would_wait(socket, POLLOUT));
  return next(socket, from, size, flags);
}

WEIR_CALL(ssize_t, sendmsg, (int socket, const msghdr* header, int flags)) {
  WEIR_TRAP(sendmsg, socket, (flags & MSG_DONTWAIT) == 0 && would_wait(socket, POLLOUT));
  return next(socket, header, flags);
}

WEIR_CALL(int, accept, (int listener, sockaddr* from, socklen_t* from_bytes)) {
  WEIR_TRAP(accept, listener, would_wait(listener, POLLIN));
  return next(listener, from, from_bytes);
}

WEIR_CALL(int, accept4, (int listener, sockaddr* from, socklen_t* from_bytes, int flags)) {
  WEIR_TRAP(accept4, listener, would_wait(listener, POLLIN));
  return next(listener, from, from_bytes, flags);
}

WEIR_CALL(int, connect, (int socket, const sockaddr* to, socklen_t to_bytes)) {
  WEIR_TRAP(connect, socket, to->sa_family != AF_UNIX && is_blocking(socket));
  return next(socket, to, to_bytes);
}

WEIR_CALL(int, getaddrinfo,
          (const char* host, const char* service, const addrinfo* hints, addrinfo** found)) {
  WEIR_TRAP(getaddrinfo, -1, true);
  return next(host, service, hints, found);
}

WEIR_CALL(pid_t, waitpid, (pid_t child, int* status, int options)) {
  WEIR_TRAP(waitpid, -1, (options & WNOHANG) == 0);
  return next(child, status, options);
}

} // extern "C"
