// Idle connections over worker processes: how much memory does one cost that says nothing?
//
//   idle_workers [CONNECTIONS [WORKERS]]       90,000 over 6, if nothing is said
//
// A master, its workers, and as many client processes, each with a source address of its own (127.0.0.2 and
// so on: an address has about 28,000 ports). Each connection is held by a coroutine that waits for bytes.
// Printed: connections and growth of resident memory of each worker, from when it was ready to when all are
// connected. Kernel memory (sockets) is not in there.
#include <weir/async/run.hpp>
#include <weir/async/sleep.hpp>
#include <weir/async/when_all.hpp>
#include <weir/async/with_nursery.hpp>
#include <weir/os/process.hpp>
#include <weir/runtime/master.hpp>
#include <weir/runtime/worker.hpp>

#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <map>
#include <string>
#include <vector>

using namespace weir;
using namespace std::chrono_literals;

namespace {

// --- a worker ---

task<result<>> hold(stream client) {
  result<lease> received = co_await client.read();
  co_return received ? result<>() : fail(received.error());
}

task<result<>> serve(worker& me) {
  result<listener*> door = me.door("idle");
  if (!door) co_return fail(door.error());
  if (result<> told = me.ready(); !told) co_return told;
  auto admit = [&](nursery& clients) -> task<result<>> {
    for (;;) {
      result<stream> client = co_await (*door)->accept();
      if (!client && client.error() == errc::closed) co_return result<>();
      if (!client) co_return fail(client.error());
      result<> admitted = co_await clients.spawn(hold(std::move(*client)));
      if (!admitted) co_return admitted;
    }
  };
  co_return co_await with_nursery(nursery_options(20'000, nursery_policy::isolate), admit);
}

result<> serve_clients() {
  auto me = worker::adopt();
  if (!me) return fail(me.error());
  loop_options options;
  options.io.operations_max = 32'768; // a receive each
  auto on = loop::create(options);
  if (!on) return fail(on.error());
  return run(**on, (*me)->run(serve(**me)));
}

// --- a client ---

/// Connects, says so on standard output, and stays until standard input ends.
int connect_and_stay(int connections, int source, int port) {
  sockaddr_in from{};
  from.sin_family = AF_INET;
  from.sin_addr.s_addr = htonl(INADDR_LOOPBACK + 1 + static_cast<std::uint32_t>(source));
  sockaddr_in to = from;
  to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  to.sin_port = htons(static_cast<std::uint16_t>(port));
  for (int i = 0; i < connections; ++i) {
    const int socket = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    const int late = 1; // the port is chosen by both ends of the connection
    ::setsockopt(socket, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &late, sizeof late);
    if (::bind(socket, reinterpret_cast<const sockaddr*>(&from), sizeof from) != 0 ||
        ::connect(socket, reinterpret_cast<const sockaddr*>(&to), sizeof to) != 0) {
      std::perror("connect");
      return 1;
    }
  }
  char byte = 'c';
  if (::write(STDOUT_FILENO, &byte, 1) != 1) return 1;
  return ::read(STDIN_FILENO, &byte, 1) == 0 ? 0 : 1;
}

// --- the master, who measures ---

struct worker_memory {
  unsigned number = 0;
  std::size_t resident_before = 0;
  std::size_t descriptors_before = 0;
};

std::size_t resident_bytes_of(pid_t process) {
  std::ifstream status("/proc/" + std::to_string(process) + "/status");
  std::string line;
  while (std::getline(status, line))
    if (line.starts_with("VmRSS:")) return std::strtoull(line.c_str() + 6, nullptr, 10) << 10;
  return 0;
}

std::size_t descriptors_of(pid_t process) {
  const std::filesystem::directory_iterator all("/proc/" + std::to_string(process) + "/fd");
  return static_cast<std::size_t>(std::distance(begin(all), end(all)));
}

void print(const std::map<pid_t, worker_memory>& workers) {
  std::size_t connections_of_all = 0;
  std::size_t bytes_of_all = 0;
  std::printf("%8s %12s %12s %10s\n", "worker", "connections", "RSS growth", "bytes each");
  for (const auto& [process, before] : workers) {
    const std::size_t connections = descriptors_of(process) - before.descriptors_before;
    const std::size_t bytes = resident_bytes_of(process) - before.resident_before;
    std::printf("%8u %12zu %8zu KiB %10zu\n", before.number, connections, bytes >> 10,
                bytes / std::max<std::size_t>(connections, 1));
    connections_of_all += connections;
    bytes_of_all += bytes;
  }
  std::printf("%8s %12zu %8zu KiB %10zu\n", "all", connections_of_all, bytes_of_all >> 10,
              bytes_of_all / std::max<std::size_t>(connections_of_all, 1));
}

/// Clients in processes of their own, and the measurement when all are connected.
task<result<>> measure(master& boss, const std::map<pid_t, worker_memory>& workers, int connections,
                       int processes) {
  const std::string port = std::to_string(boss.local_address("idle")->port());
  std::vector<process> clients;
  for (int i = 0; i < processes; ++i) {
    const int share = connections / processes + (i < connections % processes);
    command client(std::filesystem::read_symlink("/proc/self/exe").string(),
                   {"--clients", std::to_string(share), std::to_string(i), port});
    client.input = redirection::pipe();
    client.output = redirection::pipe();
    result<process> spawned = process::spawn(client);
    if (!spawned) co_return fail(spawned.error());
    clients.push_back(std::move(*spawned));
  }
  for (process& each : clients) {
    std::array<std::byte, 1> said;
    result<std::size_t> got = co_await each.output().read_some(said);
    if (got.value_or(0) != 1) co_return fail(errc::end_of_stream, "a client could not connect");
  }
  result<> settled = co_await sleep_for(1s); // the workers accept what the kernel has connected
  if (!settled) co_return settled;
  print(workers);
  co_return result<>();
}

task<result<>> measure_and_quit(master& boss, const std::map<pid_t, worker_memory>& workers, event& all_ready,
                                int connections, int processes) {
  result<> ready = co_await all_ready.wait();
  result<> measured = co_await measure(boss, workers, connections, processes);
  boss.quit();
  co_return ready ? measured : ready;
}

result<> oversee_workers(int connections, unsigned count) {
  std::map<pid_t, worker_memory> workers;
  event all_ready(event_reset::manual);
  master_options options;
  options.workers = count;
  options.placement = worker_placement::reuse_port;
  options.sockets.emplace_back("idle", *address::ip("127.0.0.1", 0));
  options.on_event = [&](const worker_event& what) {
    if (what.kind != worker_event_kind::ready) return;
    workers[what.process] = {what.worker, resident_bytes_of(what.process), descriptors_of(what.process)};
    if (workers.size() == count) all_ready.set();
  };
  auto boss = master::create(std::move(options));
  auto on = loop::create();
  if (!boss || !on) return fail(boss ? on.error() : boss.error());
  auto both = when_all((*boss)->run(),
                       measure_and_quit(**boss, workers, all_ready, connections, static_cast<int>(count)));
  auto [ended, measured] = run(**on, std::move(both));
  return ended ? measured : ended;
}

} // namespace

int main(int argc, char** argv) {
  if (argc == 5) return connect_and_stay(std::atoi(argv[2]), std::atoi(argv[3]), std::atoi(argv[4]));
  const int connections = argc > 1 ? std::atoi(argv[1]) : 90'000;
  const int count = argc > 2 ? std::atoi(argv[2]) : 6;
  if (connections < 1 || count < 1)
    return std::fputs("idle_workers [CONNECTIONS [WORKERS]]: numbers above 0\n", stderr), 2;
  const result<> ended =
      worker::is_one() ? serve_clients() : oversee_workers(connections, static_cast<unsigned>(count));
  if (!ended) std::fprintf(stderr, "idle_workers: %s\n", ended.error().message().c_str());
  return ended ? 0 : 1;
}
