// How much memory an idle connection takes, and what many of them cost the few that are active:
// idle_connections [--backend io_uring|epoll] [--connections 15000] [--active 1000] [--ms 2000] [--rounds 5]
//
// Each connection is held by a coroutine of its own that has echoed once and waits for more; the clients are
// another process. Memory is what the kernel says of this process (resident, /proc/self/statm). The active
// ones are measured among all and alone in turn, round by round; about a minute.
#include "scenario.hpp"

#include <weir/async/run.hpp>
#include <weir/async/sleep.hpp>

#include <chrono>

namespace {

using namespace weir;
using order = bench::client_main::order;

std::size_t resident_bytes() {
  std::FILE* file = std::fopen("/proc/self/statm", "r");
  unsigned long total = 0;
  unsigned long resident = 0;
  if (!file || std::fscanf(file, "%lu %lu", &total, &resident) != 2) bench::die("/proc/self/statm");
  std::fclose(file);
  return resident * static_cast<std::size_t>(::sysconf(_SC_PAGESIZE));
}

/// In a frame of its own, which is gone while the connection is idle.
task<bool> answer(stream& client, lease received) {
  transfer sent = co_await client.write_all(received);
  co_return bool(sent);
}

task<> echo(stream client) {
  bool goes_on = true;
  while (goes_on) {
    result<lease> received = co_await client.read();
    goes_on = received && !received->empty();
    if (goes_on) goes_on = co_await answer(client, std::move(*received));
  }
}

task<> until_served(nursery& clients, std::size_t count) {
  while (clients.size() != count + 1) { // and the one that accepts
    result<> slept = co_await sleep_for(std::chrono::milliseconds(1));
    if (!slept) co_return;
  }
}

task<> none_left(bench::echo_clients& clients, nursery& served) {
  co_await bench::carried_out(clients, order(order::close_all));
  co_await until_served(served, 0);
}

task<result<>> measure(const bench::scenario_options& all, bench::echo_clients& clients) {
  result<listener> door = listener::bind(*address::parse_ip("127.0.0.1:0"));
  if (!door) co_return fail(door.error());
  const std::uint16_t port = door->local_address().port();
  auto body = [&](nursery& served) -> task<result<>> {
    result<> serving = co_await served.spawn(bench::serve(*door, served, echo));
    if (!serving) co_return serving;
    co_await bench::carried_out(clients, order(order::connect, 10, 0, port)); // what is made once is made
    co_await none_left(clients, served);

    bench::comparison latencies("among all", "alone");
    const order ping_pong(order::ping_pong, all.active, all.milliseconds);
    for (std::uint32_t round = 0; round < all.rounds; ++round) {
      const std::size_t before_bytes = resident_bytes();
      co_await bench::carried_out(clients, order(order::connect, all.connections, 0, port));
      if (round == 0)
        std::printf("%u idle connections: %zu bytes of resident memory each (at most 1,024 wanted)\n",
                    all.connections, (resident_bytes() - before_bytes) / all.connections);
      const bench::latency among = co_await bench::carried_out(clients, ping_pong);
      co_await none_left(clients, served);
      co_await bench::carried_out(clients, order(order::connect, all.active, 0, port));
      const bench::latency alone = co_await bench::carried_out(clients, ping_pong);
      co_await none_left(clients, served);
      latencies.add(among, alone);
    }
    std::printf("%u active among %u, and alone\n", all.active, all.connections);
    latencies.print(1.2);
    served.cancel();
    co_return result<>();
  };
  nursery_options bounds(all.connections + 10, nursery_policy::isolate);
  co_return co_await with_nursery(bounds, body);
}

} // namespace

int main(int argc, char** argv) {
  bench::scenario_options defaults;
  defaults.connections = 15'000;
  const bench::scenario_options all = bench::parse(argc, argv, defaults);
  bench::echo_clients clients; // before there are threads
  loop_options options;
  options.backend = all.backend;
  const auto on = bench::make_loop(options);
  result<> outcome = run(*on, measure(all, clients));
  if (outcome || outcome.error().is_cancelled()) return 0;
  std::fprintf(stderr, "%s\n", outcome.error().message().c_str());
  return 1;
}
