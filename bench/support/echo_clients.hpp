// The client side of benchmarks with many connections: a process of its own, with plain sockets and epoll,
// that is told what to do over a pipe. Plain C++, no dependency on weir.
#pragma once

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <vector>

namespace bench {

inline std::uint64_t clock_ns() {
  timespec now{};
  ::clock_gettime(CLOCK_MONOTONIC, &now);
  return static_cast<std::uint64_t>(now.tv_sec) * 1'000'000'000 + static_cast<std::uint64_t>(now.tv_nsec);
}

[[noreturn]] inline void die(const char* what) {
  std::fprintf(stderr, "%s: %s\n", what, std::strerror(errno));
  std::_Exit(1);
}

struct latency {
  std::uint64_t rounds = 0;
  double p50_us = 0;
  double p99_us = 0;
};

/// What runs in the client process.
class client_main {
 public:
  explicit client_main(int orders) : orders_(orders), ready_(::epoll_create1(0)) {}

  struct order {
    enum kind : int { connect, ping_pong, close_all };
    /// `count`: of all that there are, for ping_pong: the first so many.
    explicit order(kind act = close_all, std::uint32_t count = 0, std::uint32_t for_ms = 0,
                   std::uint16_t to = 0)
        : what(act), port(to), connections(count), milliseconds(for_ms) {}
    kind what;
    std::uint16_t port;
    std::uint32_t connections;
    std::uint32_t milliseconds;
  };

  void run() {
    order next;
    while (::read(orders_, &next, sizeof next) == sizeof next) {
      latency measured;
      if (next.what == order::connect) connect(next);
      if (next.what == order::ping_pong) measured = ping_pong(next);
      if (next.what == order::close_all) close_all();
      if (::write(orders_, &measured, sizeof measured) != sizeof measured) die("write");
    }
  }

 private:
  static constexpr std::size_t message_bytes = 64;
  using message = std::array<char, message_bytes>;

  struct connection {
    int socket;
    std::uint64_t sent_at_ns = 0;
    std::size_t received = 0;
  };

  /// One address as a source has ports for 28,000 connections; 5,000 of each, and others the next time, leave
  /// room for those that linger.
  void connect(const order& what) {
    for (std::uint32_t i = 0; i < what.connections; ++i) {
      connection made{::socket(AF_INET, SOCK_STREAM, 0)};
      sockaddr_in from{};
      from.sin_family = AF_INET;
      from.sin_addr.s_addr = htonl(INADDR_LOOPBACK + 1 + connected_ever_++ / 5000 % 10'000);
      sockaddr_in to = from;
      to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
      to.sin_port = htons(what.port);
      const int on = 1;
      ::setsockopt(made.socket, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &on, sizeof on);
      ::setsockopt(made.socket, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
      if (made.socket < 0 || ::bind(made.socket, reinterpret_cast<sockaddr*>(&from), sizeof from) != 0 ||
          ::connect(made.socket, reinterpret_cast<sockaddr*>(&to), sizeof to) != 0)
        die("connect");
      const message hello{};
      message back;
      if (::send(made.socket, hello.data(), hello.size(), 0) != static_cast<ssize_t>(hello.size()) ||
          ::recv(made.socket, back.data(), back.size(), MSG_WAITALL) != static_cast<ssize_t>(back.size()))
        die("first echo");
      epoll_event interest{EPOLLIN, {.u64 = all_.size()}};
      ::epoll_ctl(ready_, EPOLL_CTL_ADD, made.socket, &interest);
      all_.push_back(made);
    }
  }

  void send(connection& on) {
    const message text{};
    on.sent_at_ns = clock_ns();
    on.received = 0;
    if (::send(on.socket, text.data(), text.size(), 0) != static_cast<ssize_t>(text.size())) die("send");
  }

  /// Each sends, waits for its echo and sends again.
  latency ping_pong(const order& what) {
    const std::uint64_t began_ns = clock_ns();
    const std::uint64_t warm_ns = began_ns + std::uint64_t{what.milliseconds} * 250'000;
    const std::uint64_t end_ns = began_ns + std::uint64_t{what.milliseconds} * 1'000'000;
    std::vector<std::uint64_t> took_ns;
    for (std::uint32_t i = 0; i < what.connections; ++i) send(all_[i]);
    std::array<epoll_event, 256> events;
    for (std::size_t under_way = what.connections; under_way > 0;) {
      const int count = ::epoll_wait(ready_, events.data(), static_cast<int>(events.size()), 10'000);
      if (count <= 0) die("no echo in ten seconds");
      for (int i = 0; i < count; ++i) {
        connection& on = all_[events[static_cast<std::size_t>(i)].data.u64];
        message back;
        const ssize_t got = ::recv(on.socket, back.data(), back.size() - on.received, MSG_DONTWAIT);
        if (got <= 0) die("recv");
        on.received += static_cast<std::size_t>(got);
        if (on.received < back.size()) continue;
        const std::uint64_t now_ns = clock_ns();
        if (now_ns > warm_ns) took_ns.push_back(now_ns - on.sent_at_ns);
        if (now_ns < end_ns)
          send(on);
        else
          --under_way;
      }
    }
    return summary(took_ns);
  }

  static latency summary(std::vector<std::uint64_t>& took_ns) {
    latency measured;
    measured.rounds = took_ns.size();
    if (took_ns.empty()) return measured;
    std::ranges::sort(took_ns);
    measured.p50_us = static_cast<double>(took_ns[took_ns.size() / 2]) / 1e3;
    measured.p99_us = static_cast<double>(took_ns[took_ns.size() * 99 / 100]) / 1e3;
    return measured;
  }

  void close_all() {
    for (const connection& each : all_) ::close(each.socket);
    all_.clear();
  }

  int orders_;
  int ready_;
  std::uint32_t connected_ever_ = 0;
  std::vector<connection> all_;
};

/// The client process, seen from the one that serves: made before that has loops or threads.
class echo_clients {
 public:
  echo_clients() {
    std::array<int, 2> ends{};
    if (::socketpair(AF_UNIX, SOCK_STREAM, 0, ends.data()) != 0) die("socketpair");
    child_ = ::fork();
    if (child_ < 0) die("fork");
    if (child_ == 0) {
      ::close(ends[0]);
      client_main(ends[1]).run();
      std::_Exit(0);
    }
    ::close(ends[1]);
    orders_ = ends[0];
  }
  ~echo_clients() {
    ::close(orders_);
    ::waitpid(child_, nullptr, 0);
  }
  echo_clients(const echo_clients&) = delete;
  echo_clients& operator=(const echo_clients&) = delete;

  /// Readable when it has done what it was told.
  int descriptor() const { return orders_; }
  void tell(const client_main::order& what) {
    if (::write(orders_, &what, sizeof what) != sizeof what) die("order");
  }
  latency answer() {
    latency measured;
    if (::read(orders_, &measured, sizeof measured) != sizeof measured) std::_Exit(1); // it said why
    return measured;
  }

 private:
  pid_t child_ = -1;
  int orders_ = -1;
};

} // namespace bench
