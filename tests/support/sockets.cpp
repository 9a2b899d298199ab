#include <weir/base/error.hpp>
#include <weir/io/platform/sockets.hpp>
#include <weir/io/system_calls.hpp>

#include <support/sockets.hpp>

#include <array>
#include <cerrno>
#include <system_error>

namespace weir::test {
namespace {

constexpr int patience_ms = 10'000;

int checked(int outcome, const char* what) {
  if (outcome < 0) throw std::system_error(errno, std::system_category(), what);
  return outcome;
}

int family_of(transport which) {
  return which == transport::tcp ? AF_INET : AF_UNIX;
}

pollfd watching(int socket, short events) {
  pollfd watched{};
  watched.fd = static_cast<decltype(watched.fd)>(socket);
  watched.events = events;
  return watched;
}

void wait_for(int socket, short events) {
  pollfd watched = watching(socket, events);
  if (checked(calls().poll(&watched, 1, patience_ms), "poll") == 0)
    throw std::runtime_error("a peer waited in vain");
}

/// Nothing is sent later than at once: neither by Nagle's algorithm nor paced by congestion control, so that
/// a socket that is full stays full until its peer reads. Refused by sockets that are not tcp: they do
/// neither.
void send_at_once(int socket) {
  const int on = 1;
  constexpr std::string_view without_pacing = "reno";
  calls().setsockopt(socket, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  calls().setsockopt(socket, IPPROTO_TCP, TCP_CONGESTION, without_pacing.data(), without_pacing.size());
}

/// Appends what one read gives; false at the end of the stream.
bool read_once(int socket, std::string& into, std::size_t most) {
  std::array<char, 65536> buffer;
  const ssize_t count = calls().recv(socket, buffer.data(), std::min(most, buffer.size()), 0);
  if (count < 0 && errno == EAGAIN) {
    wait_for(socket, POLLIN);
    return true;
  }
  checked(static_cast<int>(count), "recv");
  into.append(buffer.data(), static_cast<std::size_t>(count));
  return count > 0;
}

} // namespace

const char* name_of(transport which) {
  return which == transport::tcp ? "tcp" : "unix";
}

descriptor open_socket(transport which) {
  return descriptor(
      checked(calls().socket(family_of(which), SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0), "socket"));
}

std::string why_no_sockets(transport which) {
  const descriptor made(calls().socket(family_of(which), SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  return made || errno != EAFNOSUPPORT ? "" : error::from_errno(errno, "socket").message();
}

std::string why_no_shared_ports() {
  const int yes = 1;
  const descriptor made = open_socket(transport::tcp);
  const bool can_share = calls().setsockopt(made.get(), SOL_SOCKET, SO_REUSEPORT, &yes, sizeof yes) == 0;
  return can_share ? "" : error::from_errno(errno, "setsockopt(SO_REUSEPORT)").message();
}

listening_socket listen_on(transport which, int backlog) {
  listening_socket listener;
  listener.socket = open_socket(which);
  sockaddr_in loopback{};
  loopback.sin_family = AF_INET;
  loopback.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  const sockaddr_un unnamed{AF_UNIX, {}};
  const bool is_tcp = which == transport::tcp;
  const auto* address =
      is_tcp ? reinterpret_cast<const sockaddr*>(&loopback) : reinterpret_cast<const sockaddr*>(&unnamed);
  const socklen_t address_bytes = is_tcp ? sizeof loopback : sizeof(sa_family_t);
  checked(calls().bind(listener.socket.get(), address, address_bytes), "bind");
  checked(calls().listen(listener.socket.get(), backlog), "listen");
  checked(calls().getsockname(listener.socket.get(), reinterpret_cast<sockaddr*>(&listener.address),
                              &listener.address_bytes),
          "getsockname");
  return listener;
}

descriptor connect_to(const listening_socket& listener) {
  const auto which = listener.address.ss_family == AF_UNIX ? transport::local : transport::tcp;
  descriptor socket = open_socket(which);
  if (calls().connect(socket.get(), listener.to(), listener.address_bytes) < 0) {
    if (errno != EINPROGRESS) checked(-1, "connect");
    wait_for(socket.get(), POLLOUT);
  }
  send_at_once(socket.get());
  return socket;
}

connection connect_pair(transport which) {
  connection made;
  if (which == transport::local) {
    std::array<int, 2> ends{};
    checked(calls().socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, ends.data()),
            "socketpair");
    made.ours = descriptor(ends[0]);
    made.theirs = descriptor(ends[1]);
  } else {
    const listening_socket listener = listen_on(which);
    made.theirs = connect_to(listener);
    wait_for(listener.socket.get(), POLLIN);
    made.ours = descriptor(checked(
        calls().accept4(listener.socket.get(), nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC), "accept4"));
    send_at_once(made.ours.get());
  }
  return made;
}

void send_text(int socket, std::string_view text) {
  while (!text.empty()) {
    const ssize_t count = calls().send(socket, text.data(), text.size(), MSG_NOSIGNAL);
    if (count < 0 && errno == EAGAIN) {
      wait_for(socket, POLLOUT);
      continue;
    }
    checked(static_cast<int>(count), "send");
    text.remove_prefix(static_cast<std::size_t>(count));
  }
}

namespace {

std::size_t send_what_fits(int socket) {
  const std::string chunk(65536, '.');
  std::size_t total = 0;
  // Small pieces at the end, so that not even one byte more fits.
  for (std::size_t piece = chunk.size(); piece > 0; piece /= 2) {
    ssize_t count = 0;
    while ((count = calls().send(socket, chunk.data(), piece, MSG_NOSIGNAL)) > 0)
      total += static_cast<std::size_t>(count);
    if (errno != EAGAIN) checked(-1, "send");
  }
  return total;
}

} // namespace

/// A socket that takes no more is full for good only when nothing is on its way: on a busy machine the other
/// side of the kernel takes its time.
std::size_t fill(int socket) {
  std::size_t total = 0;
  for (;;) {
    const bool was_quiet = is_quiet(socket);
    const std::size_t more = send_what_fits(socket);
    total += more;
    if (was_quiet && more == 0) return total;
    pollfd room = watching(socket, POLLOUT);
    if (more == 0) calls().poll(&room, 1, 1);
  }
}

std::string read_available(int socket) {
  std::string text;
  std::array<char, 65536> buffer;
  ssize_t count = 0;
  while ((count = calls().recv(socket, buffer.data(), buffer.size(), 0)) > 0)
    text.append(buffer.data(), static_cast<std::size_t>(count));
  if (count < 0 && errno != EAGAIN) checked(-1, "recv");
  return text;
}

std::string read_text(int socket, std::size_t size) {
  std::string text;
  while (text.size() < size && read_once(socket, text, size - text.size())) {
  }
  return text;
}

std::string read_to_end(int socket) {
  std::string text;
  while (read_once(socket, text, ~std::size_t{0})) {
  }
  return text;
}

std::size_t unread_bytes(int socket) {
  int count = 0;
  checked(calls().ioctl(socket, FIONREAD, &count), "FIONREAD");
  return static_cast<std::size_t>(count);
}

void reset(connection& connected) {
  // tcp(7): closing with a linger time of zero sends a reset. unix(7): closing with unread data does.
  const linger at_once{1, 0};
  checked(calls().setsockopt(connected.theirs.get(), SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once),
          "SO_LINGER");
  send_text(connected.ours.get(), "never read");
  wait_for(connected.theirs.get(), POLLIN);
  connected.theirs.reset();
}

bool is_non_blocking_and_close_on_exec(int number) {
  return (checked(calls().fcntl(number, F_GETFL, 0), "F_GETFL") & O_NONBLOCK) != 0 &&
         (checked(calls().fcntl(number, F_GETFD, 0), "F_GETFD") & FD_CLOEXEC) != 0;
}

std::string pattern(std::size_t size) {
  std::string text(size, '\0');
  std::uint32_t state = 1;
  for (char& each : text) {
    state = state * 1664525u + 1013904223u;
    each = static_cast<char>(state >> 24);
  }
  return text;
}

} // namespace weir::test
