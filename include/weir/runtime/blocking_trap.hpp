// blocking_trap: says when a handler on a loop's thread makes a call that blocks it: for debug builds and
// tests. It is not part of the library: link the objects `weir::blocking_trap` into the program. They define
// the calls below, which then reach those of the C library through dlsym(RTLD_NEXT).
//
//   always               sleep, usleep, nanosleep, clock_nanosleep (of more than 0), getaddrinfo,
//                        waitpid without WNOHANG, connect to another host on a blocking socket
//   with a timeout       poll, ppoll, select, epoll_wait
//   when it would wait   read, recv, recvmsg, write, send, sendmsg, accept, accept4 on a blocking descriptor
//                        that is not ready
//
// What it does not see: locks and condition variables (futexes), page faults, calls that the C library makes
// inside itself, system calls that are made without it, files on slow disks. The watchdog sees those by their
// time. What is called outside of a loop's turn is nobody's business, nor are the loop's own waits.
//
// A call is counted (loop_counters::calls_blocking), reported, and made. Thread rule: any. Cost: a look at a
// thread-local variable a call; on loops' threads one or two system calls more for descriptors.
#pragma once

#include <weir/io/current_handler.hpp>

namespace weir::blocking_trap {

struct blocking_call {
  const char* function = "";
  int descriptor = -1;    ///< -1: it has none
  current_handler during; ///< the handler or phase that made it
  void* caller = nullptr; ///< where it returns to
};

/// On stderr, with the stack: once for each place that calls, the first 64 of them.
void print_call(const blocking_call& call) noexcept;

using hook = void (*)(const blocking_call& call) noexcept;
/// Called before the call is made, on the thread that makes it; print_call until this says otherwise.
void on_call(hook told) noexcept;

} // namespace weir::blocking_trap
