// Counts the system calls of a library that does not count them itself. These definitions take the place of
// libc's in the whole program: the dynamic linker binds a shared library's calls to the executable's symbols
// first. A call costs two or three additions more. Include it in the one source file of an executable, never
// elsewhere.
//
// Two sides in one process are told apart by their threads: one of our own says where it counts, one that the
// library starts carries the number of its side at the head of its name.
#pragma once

#include "contestant.hpp"

#include <poll.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <cerrno>

namespace bench {

// Several threads of one side add to it while another reads it.
struct atomic_call_counts {
  std::atomic<std::uint64_t> recv_calls{0}, eagain{0}, waits{0}, send_calls{0}, bytes_received{0};

  call_counts read() const {
    constexpr auto relaxed = std::memory_order_relaxed;
    // Calls that libc makes by itself, such as those of its locks, cannot be seen here: the sum is unknown.
    return {recv_calls.load(relaxed), eagain.load(relaxed),         waits.load(relaxed),
            send_calls.load(relaxed), bytes_received.load(relaxed), std::nullopt};
  }
};

enum side_number : std::size_t { receiving_number, sending_number, other_number };

inline std::array<atomic_call_counts, 3> counts_of_sides;
inline thread_local atomic_call_counts* counts_of_this_thread = nullptr;

// The library's threads must be named "<number>/...".
inline side_number side_from_thread_name() {
  char name[16]{};
  prctl(PR_GET_NAME, name);
  const auto number = static_cast<std::size_t>(name[0] - '0');
  return name[1] == '/' && number < other_number ? side_number(number) : other_number;
}

inline atomic_call_counts& count_on_side(side_number side) {
  counts_of_this_thread = &counts_of_sides[side];
  return *counts_of_this_thread;
}

inline atomic_call_counts& counts_here() {
  if (counts_of_this_thread == nullptr) count_on_side(side_from_thread_name());
  return *counts_of_this_thread;
}

inline void count(std::atomic<std::uint64_t>& counter, std::uint64_t n = 1) {
  counter.fetch_add(n, std::memory_order_relaxed);
}

// Definitions under libc's names but not in its declarations, which may be inline functions.
extern "C" {
ssize_t counted_recv(int fd, void* data, size_t size, int flags) __asm__("recv");
ssize_t counted_send(int fd, const void* data, size_t size, int flags) __asm__("send");
int counted_poll(pollfd* descriptors, nfds_t n, int timeout_ms) __asm__("poll");
int counted_epoll_wait(int epoll, epoll_event* events, int events_max, int timeout_ms) __asm__("epoll_wait");

ssize_t counted_recv(int fd, void* data, size_t size, int flags) {
  auto& counts = counts_here();
  const ssize_t result = syscall(SYS_recvfrom, fd, data, size, flags, nullptr, nullptr);
  count(counts.recv_calls);
  if (result > 0) count(counts.bytes_received, std::uint64_t(result));
  if (result < 0 && errno == EAGAIN) count(counts.eagain);
  return result;
}

ssize_t counted_send(int fd, const void* data, size_t size, int flags) {
  count(counts_here().send_calls);
  return syscall(SYS_sendto, fd, data, size, flags, nullptr, 0);
}

int counted_poll(pollfd* descriptors, nfds_t n, int timeout_ms) {
  count(counts_here().waits);
  return int(syscall(SYS_poll, descriptors, n, timeout_ms));
}

int counted_epoll_wait(int epoll, epoll_event* events, int events_max, int timeout_ms) {
  count(counts_here().waits);
  return int(syscall(SYS_epoll_wait, epoll, events, events_max, timeout_ms));
}
}

} // namespace bench
