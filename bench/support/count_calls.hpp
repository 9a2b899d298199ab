// Counts the system calls of a library that does not count them itself. These definitions take the place of
// libc's in the whole program: the dynamic linker binds a shared library's calls to the executable's symbols
// first. A call costs two or three additions more. Include it in the one source file of an executable, never
// elsewhere.
//
// A thread counts for the side whose thread started it, so two sides in one process are told apart.
#pragma once

#include "contestant.hpp"

#include <dlfcn.h>
#include <poll.h>
#include <pthread.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <memory>

namespace bench {

// Several threads of one side add to it while another reads it.
struct atomic_call_counts {
  std::atomic<std::uint64_t> recv_calls{0}, eagain{0}, waits{0}, send_calls{0}, bytes_received{0};

  call_counts read() const {
    constexpr auto relaxed = std::memory_order_relaxed;
    // Locks taken inside libc sleep in futex calls that cannot be seen here: the sum of all calls is unknown.
    return {recv_calls.load(relaxed), eagain.load(relaxed),         waits.load(relaxed),
            send_calls.load(relaxed), bytes_received.load(relaxed), std::nullopt};
  }
};

inline atomic_call_counts uncounted;
inline thread_local atomic_call_counts* counts_of_this_side = &uncounted;

inline void count(std::atomic<std::uint64_t>& counter, std::uint64_t n = 1) {
  counter.fetch_add(n, std::memory_order_relaxed);
}

inline ssize_t counted_receive(ssize_t result) {
  auto& counts = *counts_of_this_side;
  count(counts.recv_calls);
  if (result > 0) count(counts.bytes_received, std::uint64_t(result));
  if (result < 0 && errno == EAGAIN) count(counts.eagain);
  return result;
}

inline long counted_wait(long result) {
  count(counts_of_this_side->waits);
  return result;
}

inline long counted_send(long result) {
  count(counts_of_this_side->send_calls);
  return result;
}

struct thread_start {
  void* (*run)(void*);
  void* argument;
  atomic_call_counts* side;
};

inline void* run_on_side(void* raw) {
  const std::unique_ptr<thread_start> start(static_cast<thread_start*>(raw));
  counts_of_this_side = start->side;
  return start->run(start->argument);
}

} // namespace bench

extern "C" {

ssize_t recv(int fd, void* data, size_t size, int flags) {
  return bench::counted_receive(syscall(SYS_recvfrom, fd, data, size, flags, nullptr, nullptr));
}

ssize_t send(int fd, const void* data, size_t size, int flags) {
  return bench::counted_send(syscall(SYS_sendto, fd, data, size, flags, nullptr, 0));
}

int poll(pollfd* descriptors, nfds_t n, int timeout_ms) {
  return int(bench::counted_wait(syscall(SYS_poll, descriptors, n, timeout_ms)));
}

int epoll_wait(int epoll, epoll_event* events, int events_max, int timeout_ms) {
  return int(bench::counted_wait(syscall(SYS_epoll_wait, epoll, events, events_max, timeout_ms)));
}

int pthread_create(pthread_t* thread, const pthread_attr_t* attributes, void* (*run)(void*),
                   void* argument) noexcept {
  using function = int (*)(pthread_t*, const pthread_attr_t*, void* (*)(void*), void*);
  static const auto real = reinterpret_cast<function>(dlsym(RTLD_NEXT, "pthread_create"));
  auto start =
      std::make_unique<bench::thread_start>(bench::thread_start{run, argument, bench::counts_of_this_side});
  const int error = real(thread, attributes, bench::run_on_side, start.get());
  if (error == 0) start.release();
  return error;
}
}
