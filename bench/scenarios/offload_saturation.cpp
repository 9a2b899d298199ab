// What connections notice of a pool that computes without a pause:
// offload_saturation [--backend io_uring|epoll] [--connections 1000] [--ms 2000] [--rounds 5]
//
// The loop has a core of its own, shared only with the clients, which are another process; the pool's threads
// have the others. Ping-pong over all connections, in turn with the pool at 100 % and with the pool idle.
#include "scenario.hpp"

#include <weir/async/offload.hpp>
#include <weir/async/run.hpp>

#include <sched.h>

#include <atomic>

namespace {

using namespace weir;
using order = bench::client_main::order;

/// This thread, and what it starts, to the first of the cores that are allowed, or to all but that.
void keep_to(const cpu_set_t& allowed, bool first) {
  cpu_set_t own;
  CPU_ZERO(&own);
  bool is_first = true;
  for (int core = 0; core < CPU_SETSIZE; ++core) {
    if (!CPU_ISSET(core, &allowed)) continue;
    if (is_first == first) CPU_SET(core, &own);
    is_first = false;
  }
  if (CPU_COUNT(&own) == 0 || ::sched_setaffinity(0, sizeof own, &own) != 0) bench::die("needs two cores");
}

task<result<>> echo(stream client) {
  for (;;) {
    result<lease> received = co_await client.read();
    if (!received) co_return fail(received.error());
    if (received->empty()) co_return result<>();
    transfer sent = co_await client.write_all(*received);
    if (!sent) co_return fail(sent.error());
  }
}

/// About five milliseconds.
std::uint64_t compute() {
  std::uint64_t bits = 1;
  for (int i = 0; i < 2'000'000; ++i) bits = bits * 6364136223846793005u + 1442695040888963407u;
  return bits;
}

task<result<>> saturate(std::uint64_t& done) {
  for (;;) {
    result<std::uint64_t> computed = co_await offload(pool_class::cpu, compute);
    if (!computed) co_return fail(computed.error());
    ++done;
  }
}

task<result<>> measure(const bench::scenario_options& all, bench::echo_clients& clients,
                       blocking_pool& pool) {
  result<listener> door = listener::bind(*address::parse_ip("127.0.0.1:0"));
  if (!door) co_return fail(door.error());
  const std::uint16_t port = door->local_address().port();
  auto body = [&](nursery& served) -> task<result<>> {
    result<> serving = co_await served.spawn(bench::serve(*door, served, echo));
    if (!serving) co_return serving;
    co_await bench::carried_out(clients, order(order::connect, all.connections, 0, port));
    bench::comparison latencies("pool at 100 %", "pool idle");
    std::uint64_t computed = 0;
    bool was_full = true;
    for (std::uint32_t round = 0; round < all.rounds; ++round) {
      const order ping_pong(order::ping_pong, all.connections, all.milliseconds);
      bench::latency busy;
      auto under_load = [&](nursery& computing) -> task<result<>> {
        for (int i = 0; i < 64; ++i) {
          result<> spawned = co_await computing.spawn(saturate(computed));
          if (!spawned) co_return spawned;
        }
        busy = co_await bench::carried_out(clients, ping_pong);
        was_full = was_full && pool.queued(pool_class::cpu) > 0;
        computing.cancel();
        co_return result<>();
      };
      (void)co_await with_nursery(nursery_options(64), under_load); // ends with what was begun
      const bench::latency idle = co_await bench::carried_out(clients, ping_pong);
      latencies.add(busy, idle);
    }
    std::printf("%u in ping-pong, %llu computations meanwhile, the pool %s\n", all.connections,
                static_cast<unsigned long long>(computed), was_full ? "had more in line" : "WAS NOT FULL");
    latencies.print(1.5);
    served.cancel();
    co_return result<>();
  };
  nursery_options bounds(all.connections + 100, nursery_policy::isolate);
  co_return co_await with_nursery(bounds, body);
}

} // namespace

int main(int argc, char** argv) {
  const bench::scenario_options all = bench::parse(argc, argv, bench::scenario_options());
  cpu_set_t allowed;
  if (::sched_getaffinity(0, sizeof allowed, &allowed) != 0) bench::die("sched_getaffinity");
  keep_to(allowed, true);
  bench::echo_clients clients; // before there are threads
  keep_to(allowed, false);
  blocking_pool_options threads;
  threads.of(pool_class::cpu).threads_max = static_cast<unsigned>(CPU_COUNT(&allowed) - 1);
  blocking_pool pool(threads);
  keep_to(allowed, true);

  loop_options options;
  options.blocking = &pool;
  options.backend = all.backend;
  const auto on = bench::make_loop(options);
  result<> outcome = run(*on, measure(all, clients, pool));
  return outcome || outcome.error().is_cancelled() ? 0 : 1;
}
