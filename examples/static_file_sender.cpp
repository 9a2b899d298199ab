// Sends a file to everyone who connects, past the memory of the process; slow readers hold up nobody.
#include <weir/async/run.hpp>
#include <weir/async/when_all.hpp>
#include <weir/async/with_deadline.hpp>
#include <weir/async/with_nursery.hpp>
#include <weir/fs/send_file.hpp>
#include <weir/net/listener.hpp>

#include <cstdio>
#include <vector>

using namespace weir;
using namespace std::chrono_literals;

task<result<>> send_to(stream client, const fs::file& page) {
  result<std::uint64_t> size = co_await page.size_bytes();
  if (!size) co_return fail(size.error());
  transfer sent = co_await fs::send_file(client.native_handle(), page, 0, *size);
  if (!sent) co_return fail(sent.error());
  co_return co_await client.close();
}

task<result<>> serve(listener& door, const fs::file& page, int clients_max) {
  auto admit = [&](nursery& clients) -> task<result<>> {
    for (int i = 0; i < clients_max; ++i) {
      result<stream> client = co_await door.accept();
      if (!client) co_return fail(client.error());
      auto sending = with_deadline(60s, send_to(std::move(*client), page));
      result<> admitted = co_await clients.spawn(std::move(sending)); // waits while 100 are served
      if (!admitted) co_return admitted;
    }
    co_return result<>();
  };
  co_return co_await with_nursery(nursery_options(100, nursery_policy::isolate), admit);
}

task<result<>> receive(address from, std::size_t bytes) {
  result<stream> server = co_await stream::connect(from);
  if (!server) co_return fail(server.error());
  std::vector<std::byte> received(bytes);
  transfer whole = co_await server->read_exactly(received);
  if (!whole) co_return fail(whole.error());
  result<lease> end = co_await server->read();
  if (!end || !end->empty()) co_return fail(errc::protocol, "more than the file");
  co_return result<>();
}

/// Sends this very program to two clients at once.
task<result<>> self_test(listener& door, const fs::file& page) {
  result<std::uint64_t> size = co_await page.size_bytes();
  const address here = door.local_address();
  auto outcome = co_await when_all(serve(door, page, 2), receive(here, *size), receive(here, *size));
  if (!std::get<0>(outcome)) co_return std::get<0>(outcome);
  co_return std::get<1>(outcome) ? std::get<2>(outcome) : std::get<1>(outcome);
}

task<result<>> start(std::string path, std::string where, bool tests) {
  result<fs::file> page = co_await fs::file::open(path);
  if (!page) co_return fail(page.error());
  result<address> at = address::parse_ip(where);
  if (!at) co_return fail(at.error());
  result<listener> door = listener::bind(*at);
  if (!door) co_return fail(door.error());
  if (tests) co_return co_await self_test(*door, *page);
  co_return co_await serve(*door, *page, 1'000'000'000);
}

int main(int argc, char** argv) {
  const bool tests = argc == 2 && std::string_view(argv[1]) == "--self-test";
  if (argc != 3 && !tests) return std::fputs("usage: static_file_sender FILE ADDRESS:PORT\n", stderr), 2;
  auto loop = loop::create();
  if (!loop) return 1;
  const result<> outcome =
      run(**loop, tests ? start("/proc/self/exe", "127.0.0.1:0", true) : start(argv[1], argv[2], false));
  if (!outcome) std::fprintf(stderr, "%s\n", outcome.error().message().c_str());
  return outcome ? 0 : 1;
}
