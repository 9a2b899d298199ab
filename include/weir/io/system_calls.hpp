// system_calls: what floors above io/ ask the kernel directly, because it is no operation: it never waits.
// Sockets are made, named and set up by these, descriptors closed. A simulation takes the kernel's place for
// as long as its code runs (docs/simulation.md); everybody else has the kernel.
//
// Each function is the call of the same name: its arguments, its result, errno. Blocking calls have no place
// here. Thread rule: `calls()` is of the calling thread. Lifetime: who is put in place outlives its scope.
#pragma once

#include <weir/io/platform/files.hpp>
#include <weir/io/platform/signals.hpp>
#include <weir/io/platform/sockets.hpp>

#include <sys/types.h>

#include <cstddef>
#include <optional>
#include <utility>

struct pollfd;

namespace weir {

/// The kernel's own, where a derived class does not say otherwise.
class system_calls {
 public:
  constexpr system_calls() = default;
  system_calls(const system_calls&) = delete;
  system_calls& operator=(const system_calls&) = delete;

  // Sockets.
  virtual int socket(int family, int type, int protocol) noexcept;
  virtual int socketpair(int family, int type, int protocol, int* ends) noexcept;
  virtual int bind(int socket, const sockaddr* to, socklen_t bytes) noexcept;
  virtual int listen(int socket, int backlog) noexcept;
  /// Of a non-blocking socket.
  virtual int connect(int socket, const sockaddr* to, socklen_t bytes) noexcept;
  virtual int accept4(int socket, sockaddr* from, socklen_t* bytes, int flags) noexcept;
  virtual int shutdown(int socket, int how) noexcept;
  virtual int getsockopt(int socket, int level, int name, void* value, socklen_t* bytes) noexcept;
  virtual int setsockopt(int socket, int level, int name, const void* value, socklen_t bytes) noexcept;
  virtual int getsockname(int socket, sockaddr* into, socklen_t* bytes) noexcept;
  virtual int getpeername(int socket, sockaddr* into, socklen_t* bytes) noexcept;

  // What does not wait of their bytes.
  virtual ssize_t recv(int socket, void* into, std::size_t bytes, int flags) noexcept;
  virtual ssize_t send(int socket, const void* from, std::size_t bytes, int flags) noexcept;
  virtual ssize_t sendto(int socket, const void* from, std::size_t bytes, int flags, const sockaddr* to,
                         socklen_t to_bytes) noexcept;

  // Pipes: made, and used where that does not wait.
  virtual int pipe2(int* ends, int flags) noexcept;
  virtual ssize_t read(int number, void* into, std::size_t bytes) noexcept;
  virtual ssize_t write(int number, const void* from, std::size_t bytes) noexcept;
  /// Between a pipe and something else, where both stand.
  virtual ssize_t splice(int from, int to, std::size_t bytes, unsigned flags) noexcept;

  // Descriptors of every kind.
  virtual int close(int number) noexcept;
  virtual int dup3(int number, int as, int flags) noexcept;
  virtual int fcntl(int number, int command, long argument) noexcept;
  /// Questions that are answered by a number: FIONREAD, TIOCOUTQ.
  virtual int ioctl(int number, unsigned long question, int* answer) noexcept;
  virtual int poll(pollfd* watched, unsigned long count, int timeout_ms) noexcept;
  virtual int open(const char* path, int flags, mode_t permissions) noexcept;
  /// How many more the process may have open; none: there is no limit.
  virtual std::optional<std::size_t> descriptors_left() noexcept;

  // Signals.
  virtual int signalfd(int number, const sigset_t& wanted, int flags) noexcept;
  /// Those of this thread (pthread_sigmask(3)); `before`: as they were.
  virtual int mask_signals(int how, const sigset_t& which, sigset_t& before) noexcept;
  /// One that is pending, without waiting (sigtimedwait(2)): its number, or -1 with EAGAIN.
  virtual int take_signal(const sigset_t& wanted) noexcept;

  // Paths of sockets.
  virtual int lstat(const char* path, struct stat* into) noexcept;
  virtual int unlink(const char* path) noexcept;

  // What threads of the blocking pool call, who may wait.
  virtual ssize_t getdents64(int directory, void* into, std::size_t bytes) noexcept;

 protected:
  ~system_calls() = default;
};

/// Those of this thread: the kernel's, unless a `system_calls_scope` says otherwise.
system_calls& calls() noexcept;

/// The kernel's own.
system_calls& kernel_calls() noexcept;

/// Puts others in their place until it ends. Scopes of one thread end in reverse order.
class system_calls_scope {
 public:
  explicit system_calls_scope(system_calls& instead) noexcept;
  ~system_calls_scope();
  system_calls_scope(const system_calls_scope&) = delete;
  system_calls_scope& operator=(const system_calls_scope&) = delete;

 private:
  system_calls* before_;
};

} // namespace weir
