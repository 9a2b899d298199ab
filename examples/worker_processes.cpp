// An echo server of several processes: `worker_processes [ADDRESS:PORT]`. SIGHUP reloads it, SIGTERM drains
// it.
#include <weir/async/run.hpp>
#include <weir/async/when_all.hpp>
#include <weir/async/with_nursery.hpp>
#include <weir/runtime/master.hpp>
#include <weir/runtime/worker.hpp>

#include <array>
#include <cstdio>

using namespace weir;

task<result<>> echo(stream client) {
  result<lease> received = co_await client.read();
  while (received && !received->empty()) {
    transfer sent = co_await client.write_all(*received);
    if (!sent) co_return fail(sent.error());
    received = co_await client.read();
  }
  co_return co_await client.close();
}

task<result<>> serve(worker& me) {
  result<listener*> door = me.door("echo");
  if (!door) co_return fail(door.error());
  if (result<> told = me.ready(); !told) co_return told;
  auto admit = [&](nursery& clients) -> task<result<>> {
    for (;;) {
      result<stream> client = co_await (*door)->accept();
      if (!client && client.error() == errc::closed) co_return result<>(); // drains
      if (!client) co_return fail(client.error());
      result<> admitted = co_await clients.spawn(echo(std::move(*client)));
      if (!admitted) co_return admitted;
    }
  };
  co_return co_await with_nursery(nursery_options(1000, nursery_policy::isolate), admit);
}

/// The self-test: a client is served though the workers are replaced meanwhile, and then all end.
task<result<>> try_out(master& boss, address at) {
  result<stream> client = co_await stream::connect(at); // waits in the backlog until there are workers
  if (!client) co_return fail(client.error());
  boss.reload();
  std::array<std::byte, 5> answer{};
  transfer sent = co_await client->write_all(std::as_bytes(std::span("hello", 5)));
  transfer heard = co_await client->read_exactly(answer);
  boss.drain();
  if (!sent || !heard) co_return fail(errc::protocol, "there is no echo");
  co_return result<>();
}

result<> be_worker() {
  auto me = worker::adopt();
  auto on = loop::create();
  if (!me || !on) return fail(me ? on.error() : me.error());
  return run(**on, (*me)->run(serve(**me)));
}

result<> be_master(std::string_view where) {
  const auto at = address::parse_ip(where == "--self-test" ? "127.0.0.1:0" : where);
  if (!at) return fail(at.error());
  master_options options;
  options.workers = 2;
  options.sockets.emplace_back("echo", *at);
  auto boss = master::create(std::move(options)); // binds; now is the time to drop privileges
  auto on = loop::create();
  if (!boss || !on) return fail(boss ? on.error() : boss.error());
  if (where != "--self-test") return run(**on, (*boss)->run());
  auto both = when_all((*boss)->run(), try_out(**boss, *(*boss)->local_address("echo")));
  auto [ended, tried] = run(**on, std::move(both));
  return ended ? tried : ended;
}

int main(int argc, char** argv) {
  const result<> ended = worker::is_one() ? be_worker() : be_master(argc > 1 ? argv[1] : "127.0.0.1:7777");
  if (!ended) std::fprintf(stderr, "worker_processes: %s\n", ended.error().message().c_str());
  return ended ? 0 : 1;
}
