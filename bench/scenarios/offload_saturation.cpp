// What connections notice of a pool that computes without a pause:
// offload_saturation [--backend io_uring|epoll] [--connections 1000] [--ms 3000]
//
// The loop has a core of its own, shared only with the clients, which are another process; the pool's threads
// have the others. Ping-pong over all connections, first with the pool idle, then with the pool at 100 %.
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
    const bench::latency idle =
        co_await bench::carried_out(clients, order(order::ping_pong, all.connections, all.milliseconds));
    std::uint64_t computed = 0;
    for (int i = 0; i < 64; ++i) {
      result<> spawned = co_await served.spawn(saturate(computed));
      if (!spawned) co_return spawned;
    }
    const bench::latency busy =
        co_await bench::carried_out(clients, order(order::ping_pong, all.connections, all.milliseconds));
    std::printf("%u in ping-pong, pool idle:  p50 %.0f us, p99 %.0f us, %llu echoes\n", all.connections,
                idle.p50_us, idle.p99_us, static_cast<unsigned long long>(idle.rounds));
    std::printf(
        "%u in ping-pong, pool at 100 %% (%u threads busy, %zu queued, %llu computations): p50 %.0f us, "
        "p99 %.0f us, %llu echoes\n",
        all.connections, pool.threads_busy(pool_class::cpu), pool.queued(pool_class::cpu),
        static_cast<unsigned long long>(computed), busy.p50_us, busy.p99_us,
        static_cast<unsigned long long>(busy.rounds));
    std::printf("p99 ratio %.2f (at most 1.5 wanted)\n", busy.p99_us / idle.p99_us);
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
  auto chosen = parse_backend(all.backend);
  if (!chosen) bench::die("--backend");
  options.backend = *chosen;
  auto on = loop::create(options);
  if (!on) bench::die("loop");
  std::printf("%s\n", (*on)->backend_reason().c_str());
  result<> outcome = run(**on, measure(all, clients, pool));
  return outcome || outcome.error().is_cancelled() ? 0 : 1;
}
