// host_calls: the kernel of a simulated host, as its programs ask it directly. Numbers that are none of its
// descriptors are passed on to the real kernel.
#pragma once

#include <weir/io/system_calls.hpp>
#include <weir/sim/file.hpp>

namespace weir::sim {

class host;

class host_calls final : public system_calls {
 public:
  explicit host_calls(host& of) noexcept : host_(of) {}

  int socket(int family, int type, int protocol) noexcept override;
  int socketpair(int family, int type, int protocol, int* ends) noexcept override;
  int bind(int socket, const sockaddr* to, socklen_t bytes) noexcept override;
  int listen(int socket, int backlog) noexcept override;
  int connect(int socket, const sockaddr* to, socklen_t bytes) noexcept override;
  int accept4(int socket, sockaddr* from, socklen_t* bytes, int flags) noexcept override;
  int shutdown(int socket, int how) noexcept override;
  int getsockopt(int socket, int level, int name, void* value, socklen_t* bytes) noexcept override;
  int setsockopt(int socket, int level, int name, const void* value, socklen_t bytes) noexcept override;
  int getsockname(int socket, sockaddr* into, socklen_t* bytes) noexcept override;
  int getpeername(int socket, sockaddr* into, socklen_t* bytes) noexcept override;
  ssize_t recv(int socket, void* into, std::size_t bytes, int flags) noexcept override;
  ssize_t send(int socket, const void* from, std::size_t bytes, int flags) noexcept override;
  ssize_t sendto(int socket, const void* from, std::size_t bytes, int flags, const sockaddr* to,
                 socklen_t to_bytes) noexcept override;
  int pipe2(int* ends, int flags) noexcept override;
  ssize_t read(int number, void* into, std::size_t bytes) noexcept override;
  ssize_t write(int number, const void* from, std::size_t bytes) noexcept override;
  ssize_t splice(int from, int to, std::size_t bytes, unsigned flags) noexcept override;
  int close(int number) noexcept override;
  int dup3(int number, int as, int flags) noexcept override;
  int fcntl(int number, int command, long argument) noexcept override;
  int ioctl(int number, unsigned long question, int* answer) noexcept override;
  int poll(pollfd* watched, unsigned long count, int timeout_ms) noexcept override;
  int open(const char* path, int flags, mode_t permissions) noexcept override;
  std::optional<std::size_t> descriptors_left() noexcept override;
  int signalfd(int number, const sigset_t& wanted, int flags) noexcept override;
  int mask_signals(int how, const sigset_t& which, sigset_t& before) noexcept override;
  int take_signal(const sigset_t& wanted) noexcept override;
  int lstat(const char* path, struct stat* into) noexcept override;
  int unlink(const char* path) noexcept override;
  ssize_t getdents64(int directory, void* into, std::size_t bytes) noexcept override;

 private:
  int add(file_ref what, int flags) noexcept;
  int add_both(file_ref one, file_ref other, int flags, int* ends) noexcept;
  int look(pollfd* watched, unsigned long count) noexcept;

  host& host_;
};

} // namespace weir::sim
