// Passes TCP connections on, both ways, by bare descriptors: not a byte is copied into this process.
#include <weir/async/operations.hpp>
#include <weir/async/run.hpp>
#include <weir/async/when_all.hpp>
#include <weir/async/when_any.hpp>
#include <weir/async/with_nursery.hpp>
#include <weir/net/address.hpp>
#include <weir/os/splice_pipe.hpp>

#include <array>
#include <cstdio>

using namespace weir;

descriptor open_socket(const address& of) {
  return descriptor(::socket(of.family(), SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
}

descriptor listen_at(const address& at) {
  descriptor door = open_socket(at);
  if (::bind(door.get(), at.raw(), at.raw_bytes()) != 0 || ::listen(door.get(), 4096) != 0) door.reset();
  return door;
}

/// One direction; its end, good or bad, is passed on as well.
task<result<>> pass_on(int from, int to) {
  transfer moved = co_await relay(from, to); // a full `to` stops `from`
  result<> told = co_await async_shutdown(to, SHUT_WR);
  co_return moved ? told : result<>(fail(moved.error()));
}

task<result<>> serve(descriptor client, address upstream) {
  descriptor server = open_socket(upstream);
  result<> connected = co_await async_connect(server.get(), upstream.raw(), upstream.raw_bytes());
  if (!connected) co_return connected;
  auto ended = co_await when_all(pass_on(client.get(), server.get()), pass_on(server.get(), client.get()));
  co_return std::get<0>(ended);
}

task<result<>> proxy(int door, address upstream) {
  auto admit = [&](nursery& clients) -> task<result<>> {
    for (;;) {
      result<descriptor> client = co_await async_accept(door);
      if (!client) co_return fail(client.error());
      result<> admitted = co_await clients.spawn(serve(std::move(*client), upstream)); // waits beyond 1,000
      if (!admitted) co_return admitted;
    }
  };
  co_return co_await with_nursery(nursery_options(1000, nursery_policy::isolate), admit);
}

/// A client and its server, with the proxy between them: a word there and back.
task<result<>> converse(address through, int upstream) {
  std::array<std::byte, 5> said{std::byte{'h'}}, heard{}, returned{};
  descriptor client = open_socket(through);
  (co_await async_connect(client.get(), through.raw(), through.raw_bytes())).value();
  descriptor server = (co_await async_accept(upstream)).value();
  (void)co_await async_send(client.get(), said);
  (void)co_await async_receive(server.get(), heard, true);
  (void)co_await async_send(server.get(), heard);
  (void)co_await async_receive(client.get(), returned, true);
  co_return returned == said ? result<>() : result<>(fail(errc::protocol, "the echo differs"));
}

task<result<>> self_test(int door, int upstream) {
  const address at = *address::local_of(door), behind = *address::local_of(upstream);
  auto outcome = co_await when_any(proxy(door, behind), converse(at, upstream));
  co_return std::get<1>(outcome.values); // cancelled when the proxy has ended
}

int main(int argc, char** argv) {
  const bool tests = argc == 2;
  auto at = address::parse_ip(tests ? "127.0.0.1:0" : argc == 3 ? argv[1] : "");
  auto upstream = address::parse_ip(tests ? "127.0.0.1:0" : argc == 3 ? argv[2] : "");
  auto loop = loop::create();
  if (!loop || !at || !upstream) return std::fputs("usage: tcp_proxy IP:PORT UPSTREAM:PORT\n", stderr), 2;
  const descriptor door = listen_at(*at), answering = tests ? listen_at(*upstream) : descriptor();
  return run(**loop, tests ? self_test(door.get(), answering.get()) : proxy(door.get(), *upstream)) ? 0 : 1;
}
