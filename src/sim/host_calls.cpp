#include "host_calls.hpp"

#include "disk_file.hpp"

#include <weir/sim/datagram_socket.hpp>
#include <weir/sim/fault_plan.hpp>
#include <weir/sim/host.hpp>
#include <weir/sim/pipe.hpp>
#include <weir/sim/socket_names.hpp>
#include <weir/sim/stream_socket.hpp>
#include <weir/sim/world.hpp>

#include <poll.h>
#include <sys/ioctl.h>
#include <sys/signalfd.h>
#include <sys/stat.h>

#include <cerrno>
#include <cstring>
#include <string>
#include <string_view>

namespace weir::sim {
namespace {

/// -1 with errno, as system calls have it.
template <class Count>
Count answer(Count outcome) noexcept {
  if (outcome >= 0) return outcome;
  errno = static_cast<int>(-outcome);
  return -1;
}

bool is_simulated(int number) noexcept {
  return descriptor_table::is_simulated(number);
}

int pipe_capacity(file& of, int command, long wanted) {
  auto* const pipe = dynamic_cast<pipe_end*>(&of);
  if (!pipe) return -EBADF;
  if (command == F_GETPIPE_SZ) return static_cast<int>(pipe->capacity());
  return wanted > 0 ? pipe->set_capacity(static_cast<std::size_t>(wanted)) : -EINVAL;
}

constexpr std::uint64_t nanoseconds_per_ms = 1'000'000;

} // namespace

int host_calls::add(file_ref what, int flags) noexcept {
  if (!host_.is_up()) return answer(-EIO);
  if (flags & SOCK_NONBLOCK) what->status_flags |= O_NONBLOCK;
  const int number = host_.descriptors().add(std::move(what));
  if (number >= 0) host_.descriptors().set_close_on_exec(number, (flags & SOCK_CLOEXEC) != 0);
  return answer(number);
}

int host_calls::add_both(file_ref one, file_ref other, int flags, int* ends) noexcept {
  ends[0] = add(std::move(one), flags);
  if (ends[0] < 0) return -1;
  ends[1] = add(std::move(other), flags);
  if (ends[1] >= 0) return 0;
  const int why = errno;
  host_.descriptors().close(ends[0]);
  return answer(-why);
}

int host_calls::socket(int family, int type, int) noexcept {
  if (host_.in().faults().happens(fault::no_descriptors, host_.number())) return answer(-EMFILE);
  if (host_.in().faults().happens(fault::no_buffers, host_.number())) return answer(-ENOBUFS);
  const int kind = type & ~(SOCK_NONBLOCK | SOCK_CLOEXEC);
  if (family != AF_INET && family != AF_INET6 && family != AF_UNIX) return answer(-EAFNOSUPPORT);
  if (kind == SOCK_STREAM) return add(file_ref(new stream_socket(host_, family)), type);
  if (kind == SOCK_DGRAM) return add(file_ref(new datagram_socket(host_, family)), type);
  return answer(-ESOCKTNOSUPPORT);
}

int host_calls::socketpair(int family, int type, int, int* ends) noexcept {
  const int kind = type & ~(SOCK_NONBLOCK | SOCK_CLOEXEC);
  if (family != AF_UNIX || (kind != SOCK_STREAM && kind != SOCK_DGRAM)) return answer(-EOPNOTSUPP);
  file_ref one, other;
  if (kind == SOCK_STREAM) {
    auto* const first = new stream_socket(host_, family);
    auto* const second = new stream_socket(host_, family);
    one = file_ref(first);
    other = file_ref(second);
    stream_socket::join(*first, *second);
  } else {
    auto* const first = new datagram_socket(host_, family);
    auto* const second = new datagram_socket(host_, family);
    one = file_ref(first);
    other = file_ref(second);
    datagram_socket::join(*first, *second);
  }
  return add_both(std::move(one), std::move(other), type, ends);
}

int host_calls::bind(int socket, const sockaddr* to, socklen_t bytes) noexcept {
  if (!is_simulated(socket)) return system_calls::bind(socket, to, bytes);
  file* const on = host_.descriptors().find(socket);
  return answer(on ? on->bind(to, bytes) : -EBADF);
}

int host_calls::listen(int socket, int backlog) noexcept {
  if (!is_simulated(socket)) return system_calls::listen(socket, backlog);
  file* const on = host_.descriptors().find(socket);
  return answer(on ? on->listen(backlog) : -EBADF);
}

int host_calls::connect(int socket, const sockaddr* to, socklen_t bytes) noexcept {
  if (!is_simulated(socket)) return system_calls::connect(socket, to, bytes);
  file* const on = host_.descriptors().find(socket);
  return answer(on ? on->connect(to, bytes) : -EBADF);
}

int host_calls::accept4(int socket, sockaddr* from, socklen_t* bytes, int flags) noexcept {
  if (!is_simulated(socket)) return system_calls::accept4(socket, from, bytes, flags);
  file* const on = host_.descriptors().find(socket);
  if (!on) return answer(-EBADF);
  if (host_.in().faults().happens(fault::interrupted, host_.number())) return answer(-EINTR);
  if (host_.descriptors().open_count() >= host_.descriptors().limit()) return answer(-EMFILE);
  int error = 0;
  file_ref accepted = on->accept(error);
  if (!accepted) return answer(error);
  if (from) (void)accepted->peer_name(from, bytes);
  return add(std::move(accepted), flags);
}

int host_calls::shutdown(int socket, int how) noexcept {
  if (!is_simulated(socket)) return system_calls::shutdown(socket, how);
  file* const on = host_.descriptors().find(socket);
  return answer(on ? on->shutdown(how) : -EBADF);
}

int host_calls::getsockopt(int socket, int level, int name, void* value, socklen_t* bytes) noexcept {
  if (!is_simulated(socket)) return system_calls::getsockopt(socket, level, name, value, bytes);
  file* const on = host_.descriptors().find(socket);
  return answer(on ? on->get_option(level, name, value, bytes) : -EBADF);
}

int host_calls::setsockopt(int socket, int level, int name, const void* value, socklen_t bytes) noexcept {
  if (!is_simulated(socket)) return system_calls::setsockopt(socket, level, name, value, bytes);
  file* const on = host_.descriptors().find(socket);
  return answer(on ? on->set_option(level, name, value, bytes) : -EBADF);
}

int host_calls::getsockname(int socket, sockaddr* into, socklen_t* bytes) noexcept {
  if (!is_simulated(socket)) return system_calls::getsockname(socket, into, bytes);
  file* const on = host_.descriptors().find(socket);
  return answer(on ? on->local_name(into, bytes) : -EBADF);
}

int host_calls::getpeername(int socket, sockaddr* into, socklen_t* bytes) noexcept {
  if (!is_simulated(socket)) return system_calls::getpeername(socket, into, bytes);
  file* const on = host_.descriptors().find(socket);
  return answer(on ? on->peer_name(into, bytes) : -EBADF);
}

// --- bytes ---

ssize_t host_calls::recv(int socket, void* into, std::size_t bytes, int flags) noexcept {
  if (!is_simulated(socket)) return system_calls::recv(socket, into, bytes, flags);
  file* const on = host_.descriptors().find(socket);
  if (!on) return answer<ssize_t>(-EBADF);
  iovec piece{into, bytes};
  msghdr header{};
  header.msg_iov = &piece;
  header.msg_iovlen = 1;
  return answer<ssize_t>(on->receive(header, flags));
}

ssize_t host_calls::send(int socket, const void* from, std::size_t bytes, int flags) noexcept {
  return host_calls::sendto(socket, from, bytes, flags, nullptr, 0);
}

ssize_t host_calls::sendto(int socket, const void* from, std::size_t bytes, int flags, const sockaddr* to,
                           socklen_t to_bytes) noexcept {
  if (!is_simulated(socket)) return system_calls::sendto(socket, from, bytes, flags, to, to_bytes);
  file* const on = host_.descriptors().find(socket);
  if (!on) return answer<ssize_t>(-EBADF);
  iovec piece{const_cast<void*>(from), bytes}; // sending only reads it
  msghdr header{};
  header.msg_name = const_cast<sockaddr*>(to);
  header.msg_namelen = to_bytes;
  header.msg_iov = &piece;
  header.msg_iovlen = 1;
  return answer<ssize_t>(on->send(header, flags));
}

// --- pipes ---

int host_calls::pipe2(int* ends, int flags) noexcept {
  if (host_.in().faults().happens(fault::no_descriptors, host_.number())) return answer(-EMFILE);
  const int type =
      ((flags & O_CLOEXEC) != 0 ? SOCK_CLOEXEC : 0) | ((flags & O_NONBLOCK) != 0 ? SOCK_NONBLOCK : 0);
  pipe_end::ends made = pipe_end::make();
  return add_both(std::move(made.reader), std::move(made.writer), type, ends);
}

ssize_t host_calls::read(int number, void* into, std::size_t bytes) noexcept {
  if (!is_simulated(number)) return system_calls::read(number, into, bytes);
  file* const on = host_.descriptors().find(number);
  if (on && on->socket_type() != 0) return host_calls::recv(number, into, bytes, 0);
  return answer<ssize_t>(on ? on->read({static_cast<std::byte*>(into), bytes}) : -EBADF);
}

ssize_t host_calls::write(int number, const void* from, std::size_t bytes) noexcept {
  if (!is_simulated(number)) return system_calls::write(number, from, bytes);
  file* const on = host_.descriptors().find(number);
  if (on && on->socket_type() != 0) return host_calls::send(number, from, bytes, 0);
  return answer<ssize_t>(on ? on->write({static_cast<const std::byte*>(from), bytes}) : -EBADF);
}

ssize_t host_calls::splice(int from, int to, std::size_t bytes, unsigned flags) noexcept {
  if (!is_simulated(from) && !is_simulated(to)) return system_calls::splice(from, to, bytes, flags);
  file* const source = host_.descriptors().find(from);
  file* const target = host_.descriptors().find(to);
  if (!source || !target) return answer<ssize_t>(-EBADF);
  return answer<ssize_t>(sim::splice(host_.storage(), {*source}, {*target}, bytes));
}

// --- descriptors ---

int host_calls::close(int number) noexcept {
  return is_simulated(number) ? answer(host_.descriptors().close(number)) : system_calls::close(number);
}

int host_calls::dup3(int number, int as, int flags) noexcept {
  if (!is_simulated(number)) return system_calls::dup3(number, as, flags);
  const int made = host_.descriptors().duplicate_as(number, as);
  if (made >= 0) host_.descriptors().set_close_on_exec(made, (flags & O_CLOEXEC) != 0);
  return answer(made);
}

int host_calls::fcntl(int number, int command, long argument) noexcept {
  if (!is_simulated(number)) return system_calls::fcntl(number, command, argument);
  descriptor_table& table = host_.descriptors();
  file* const on = table.find(number);
  if (!on) return answer(-EBADF);
  switch (command) {
  case F_GETFL:
    return on->status_flags;
  case F_SETFL:
    on->status_flags = static_cast<int>(argument);
    return 0;
  case F_GETFD:
    return table.is_close_on_exec(number) ? FD_CLOEXEC : 0;
  case F_SETFD:
    table.set_close_on_exec(number, (argument & FD_CLOEXEC) != 0);
    return 0;
  case F_DUPFD:
  case F_DUPFD_CLOEXEC:
    return answer(table.duplicate(number, static_cast<int>(argument)));
  case F_SETPIPE_SZ:
  case F_GETPIPE_SZ:
    return answer(pipe_capacity(*on, command, argument));
  default:
    return answer(-EINVAL);
  }
}

int host_calls::ioctl(int number, unsigned long question, int* told) noexcept {
  if (!is_simulated(number)) return system_calls::ioctl(number, question, told);
  file* const on = host_.descriptors().find(number);
  if (!on) return answer(-EBADF);
  if (question != FIONREAD && question != TIOCOUTQ) return answer(-ENOTTY);
  *told = static_cast<int>(question == FIONREAD ? on->unread_bytes() : on->unsent_bytes());
  return 0;
}

int host_calls::look(pollfd* watched, unsigned long count) noexcept {
  int ready = 0;
  for (unsigned long i = 0; i < count; ++i) {
    pollfd& each = watched[i];
    file* const on = host_.descriptors().find(each.fd);
    const auto wanted =
        static_cast<std::uint32_t>(static_cast<unsigned short>(each.events)) | POLLERR | POLLHUP;
    each.revents = static_cast<short>(on ? on->readiness() & wanted : POLLNVAL);
    if (each.revents != 0) ++ready;
  }
  return ready;
}

/// The only call that waits: for tests' peers, which the world goes on for meanwhile.
int host_calls::poll(pollfd* watched, unsigned long count, int timeout_ms) noexcept {
  if (count == 0 || !is_simulated(watched[0].fd)) return system_calls::poll(watched, count, timeout_ms);
  const int at_once = look(watched, count);
  if (at_once != 0 || timeout_ms == 0) return at_once;
  world& in = host_.in();
  const std::uint64_t until_ns =
      timeout_ms < 0 ? event_queue::never_ns
                     : in.now_ns() + static_cast<std::uint64_t>(timeout_ms) * nanoseconds_per_ms;
  in.wait_until([&] { return look(watched, count) != 0; }, until_ns);
  return look(watched, count);
}

int host_calls::open(const char* path, int flags, mode_t) noexcept {
  if (std::string_view(path) != "/dev/null") return answer(-ENOENT);
  return add(file_ref(new null_device), (flags & O_CLOEXEC) != 0 ? SOCK_CLOEXEC : 0);
}

std::optional<std::size_t> host_calls::descriptors_left() noexcept {
  const descriptor_table& table = host_.descriptors();
  return table.limit() - std::min(table.limit(), table.open_count());
}

// --- signals ---

int host_calls::signalfd(int number, const sigset_t& wanted, int flags) noexcept {
  if (number != -1) return answer(-EINVAL);
  if (host_.in().faults().happens(fault::no_descriptors, host_.number())) return answer(-EMFILE);
  const int type = (flags & SFD_CLOEXEC ? SOCK_CLOEXEC : 0) | (flags & SFD_NONBLOCK ? SOCK_NONBLOCK : 0);
  return add(host_.open_signals(wanted), type);
}

/// What a descriptor names counts as blocked, and nothing else does.
int host_calls::mask_signals(int, const sigset_t&, sigset_t& before) noexcept {
  sigemptyset(&before);
  return 0;
}

/// Nothing is left pending that no descriptor names.
int host_calls::take_signal(const sigset_t&) noexcept {
  return answer(-EAGAIN);
}

// --- paths ---

int host_calls::lstat(const char* path, struct stat* into) noexcept {
  if (!host_.is_up()) return answer(-EIO);
  std::memset(into, 0, sizeof *into);
  if (host_.names().has_path(path)) {
    into->st_mode = S_IFSOCK | S_IRUSR | S_IWUSR;
    into->st_nlink = 1;
    return 0;
  }
  struct statx found;
  if (const int error = host_.storage().status(nullptr, path, AT_SYMLINK_NOFOLLOW, found); error != 0)
    return answer(error);
  into->st_mode = found.stx_mode;
  into->st_nlink = found.stx_nlink;
  into->st_ino = found.stx_ino;
  into->st_size = static_cast<off_t>(found.stx_size);
  return 0;
}

int host_calls::unlink(const char* path) noexcept {
  if (!host_.is_up()) return answer(-EIO);
  if (host_.names().unlink(path)) return 0;
  return answer(host_.storage().unlink(nullptr, path, 0));
}

ssize_t host_calls::getdents64(int directory, void* into, std::size_t bytes) noexcept {
  if (!is_simulated(directory)) return system_calls::getdents64(directory, into, bytes);
  file* const on = host_.descriptors().find(directory);
  if (!on) return answer<ssize_t>(-EBADF);
  auto* const listed = dynamic_cast<disk_file*>(on);
  if (!listed) return answer<ssize_t>(-ENOTDIR);
  return answer<ssize_t>(host_.storage().list(*listed->opened, {static_cast<std::byte*>(into), bytes}));
}

} // namespace weir::sim
