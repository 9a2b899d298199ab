// The other side of every contestant: ten innocent clients, and the one that misbehaves.
//
//   lab_peer SCENARIO SECONDS ECHO_PORT VICTIM_PORT CPU
//
// An innocent client sends 64 bytes each 10 ms, whether or not it was answered, and gives up on an answer
// after 100 ms: then the request is lost. Beside them a thread that only sleeps has a heartbeat of the same
// plan: it is late when others take the machine. And one that comes before everybody is pinned to the CPU of
// the contestant: it is late when that CPU stands still. At the end one JSON object: `{"requests": N,
// "lost": N, "beside_p99_ms": X, "machine": {"began_ns": N, "every_ns": N, "is_first": B, "late_ms": […]}}`.
#include "../support/machine_beats.hpp"
#include "lab.hpp"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <signal.h>
#include <sys/socket.h>

#include <array>
#include <atomic>
#include <deque>
#include <thread>

namespace {

constexpr std::size_t innocent_count = 10;
constexpr std::uint64_t request_every_ns = 10 * lab::ns_per_ms;
constexpr std::uint64_t patience_ns = 100 * lab::ns_per_ms;
constexpr std::size_t request_bytes = 64;
constexpr std::size_t crowd_count = 100;
constexpr std::size_t crowd_bytes_max = std::size_t{400} << 20;
constexpr std::size_t retained_bytes_max = std::size_t{256} << 20;

std::atomic<bool> is_over{false};

int connect_to(unsigned port) {
  sockaddr_in to{};
  to.sin_family = AF_INET;
  to.sin_port = htons(static_cast<std::uint16_t>(port));
  to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  const int made = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (::connect(made, reinterpret_cast<sockaddr*>(&to), sizeof to) != 0) {
    std::perror("lab_peer: connect");
    std::exit(1);
  }
  const int on = 1;
  ::setsockopt(made, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  return made;
}

/// Sends requests at its pace and counts what was not answered in time.
class innocent {
 public:
  explicit innocent(unsigned port) : socket_(connect_to(port)) {}

  void send() {
    static constexpr std::array<char, request_bytes> request{};
    ++requests_;
    if (::send(socket_, request.data(), request.size(), MSG_DONTWAIT | MSG_NOSIGNAL) ==
        ssize_t{request_bytes})
      sent_at_.push_back(lab::now_ns());
    else
      ++lost_;
  }
  void receive() {
    std::array<char, 4096> answer;
    const ssize_t got = ::recv(socket_, answer.data(), answer.size(), MSG_DONTWAIT);
    if (got <= 0) return;
    for (bytes_ += static_cast<std::size_t>(got); bytes_ >= request_bytes && !sent_at_.empty();
         bytes_ -= request_bytes) {
      if (lab::now_ns() - sent_at_.front() > patience_ns) ++lost_;
      sent_at_.pop_front();
    }
  }
  std::size_t requests() const { return requests_; }
  std::size_t lost() const { return lost_ + sent_at_.size(); } ///< asked after everybody had time to answer
  int socket() const { return socket_; }

 private:
  int socket_;
  std::size_t requests_ = 0;
  std::size_t lost_ = 0;
  std::size_t bytes_ = 0; ///< of the answer under way
  std::deque<std::uint64_t> sent_at_;
};

/// Both at once: a client that is sent more than it takes and sends more than its share.
void flood(int socket) {
  std::thread reader([socket] {
    std::vector<char> room(1 << 16);
    while (::recv(socket, room.data(), room.size(), 0) > 0 && !is_over) continue;
  });
  const std::vector<char> bytes(1 << 16);
  while (!is_over && ::send(socket, bytes.data(), bytes.size(), MSG_NOSIGNAL) > 0) continue;
  ::shutdown(socket, SHUT_RDWR);
  reader.join();
}

void push(int socket, std::size_t bytes_max) {
  const std::vector<char> bytes(4096);
  for (std::size_t sent = 0; sent < bytes_max && !is_over; sent += bytes.size()) {
    pollfd ready{socket, POLLOUT, 0};
    if (::poll(&ready, 1, 10) > 0 &&
        ::send(socket, bytes.data(), bytes.size(), MSG_DONTWAIT | MSG_NOSIGNAL) == 0)
      return;
  }
}

void push_from_many(unsigned port) {
  std::vector<pollfd> crowd;
  for (std::size_t i = 0; i < crowd_count; ++i) crowd.push_back({connect_to(port), POLLOUT, 0});
  const std::vector<char> bytes(4096);
  for (std::size_t sent = 0; sent < crowd_bytes_max && !is_over;) {
    ::poll(crowd.data(), crowd.size(), 10);
    for (const pollfd& each : crowd) {
      if (!each.revents) continue;
      const ssize_t took = ::send(each.fd, bytes.data(), bytes.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
      if (took > 0) sent += static_cast<std::size_t>(took);
    }
  }
}

void misbehave(std::string_view scenario, unsigned echo, unsigned victim) {
  lab::block_for(lab::calm_ns);
  if (scenario == "E3") connect_to(victim); // and never reads
  if (scenario == "E5") push(connect_to(victim), retained_bytes_max);
  if (scenario == "E7") ::send(connect_to(echo), "?", 1, MSG_NOSIGNAL);
  if (scenario == "E8") flood(connect_to(echo));
  if (scenario == "E10") push_from_many(victim);
}

/// What a heartbeat sees here that depends on nobody.
double beside_p99_ms(double seconds) {
  lab::heartbeat beats(seconds);
  while (!beats.is_over()) {
    const std::uint64_t due = beats.beat();
    const timespec until{static_cast<time_t>(due / 1'000'000'000), static_cast<long>(due % 1'000'000'000)};
    ::clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &until, nullptr);
  }
  std::vector<std::uint64_t> late = beats.late_ns();
  std::ranges::sort(late);
  return late.empty() ? 0 : static_cast<double>(late[late.size() * 99 / 100]) / 1e6;
}

} // namespace

int main(int argc, char** argv) {
  if (argc < 6) return std::fputs("see the head of peer.cpp\n", stderr), 2;
  ::signal(SIGPIPE, SIG_IGN);
  const auto echo = static_cast<unsigned>(std::atoi(argv[3]));
  const auto victim = static_cast<unsigned>(std::atoi(argv[4]));
  const std::uint64_t ends = lab::now_ns() + static_cast<std::uint64_t>(std::atof(argv[2]) * 1e9);

  double beside_ms = 0;
  std::thread reference([&] { beside_ms = beside_p99_ms(std::atof(argv[2])); });
  bench::machine_beats machine(std::atoi(argv[5]),
                               static_cast<std::uint64_t>(std::atof(argv[2]) * 1e9) + patience_ns);
  std::vector<innocent> clients;
  for (std::size_t i = 0; i < innocent_count; ++i) clients.emplace_back(echo);
  std::thread guilty(misbehave, argv[1], echo, victim);

  std::vector<pollfd> sockets;
  for (const innocent& each : clients) sockets.push_back({each.socket(), POLLIN, 0});
  std::uint64_t next = lab::now_ns();
  while (lab::now_ns() < ends + patience_ns) {
    if (const std::uint64_t now = lab::now_ns(); now >= next && now < ends) {
      for (innocent& each : clients) each.send();
      next += request_every_ns;
    }
    ::poll(sockets.data(), sockets.size(), 1);
    for (std::size_t i = 0; i < clients.size(); ++i)
      if (sockets[i].revents & POLLIN)
        clients[i].receive();
      else if (sockets[i].revents)
        sockets[i].fd = -1; // the server is gone; poll ignores it
  }
  std::size_t requests = 0;
  std::size_t lost = 0;
  for (const innocent& each : clients) {
    requests += each.requests();
    lost += each.lost();
  }
  reference.join();
  machine.stop();
  std::printf("{\"requests\": %zu, \"lost\": %zu, \"beside_p99_ms\": %.2f, \"machine\": {\"began_ns\": %llu, "
              "\"every_ns\": %llu, \"is_first\": %s, \"late_ms\": %s}}\n",
              requests, lost, beside_ms, static_cast<unsigned long long>(machine.began_ns()),
              static_cast<unsigned long long>(bench::machine_beats::every_ns),
              machine.is_before_everybody() ? "true" : "false", lab::milliseconds(machine.late_ns()).c_str());
  std::fflush(stdout);
  ::_exit(0); // the guilty thread may hang in a call: so does its peer
}
