// An echo server with a bound on everything: `echo_server [ADDRESS:PORT]`. README.md shows the parts of this
// file between [readme] and [/readme]; tests/app/readme_test.py compares them.
#include <weir/async/when_all.hpp>
#include <weir/async/when_any.hpp>

#include <unistd.h>

#include <cstdio>
#include <string>
#include <tuple>
#include <vector>

int self_test();

// [readme]
#include <weir/async/run.hpp>
#include <weir/async/with_deadline.hpp>
#include <weir/async/with_nursery.hpp>
#include <weir/net/listener.hpp>

using namespace weir;
using namespace std::chrono_literals;

task<result<bool>> echo_some(stream& client) {
  result<lease> received = co_await client.read(); // received in the background, at most 256 KiB ahead
  if (!received) co_return fail(received.error());
  transfer sent = co_await client.write_all(*received); // waits while the client does not read
  if (!sent) co_return fail(sent.error());
  co_return !received->empty();
}

task<result<>> echo(stream client) {
  result<bool> goes_on = true;
  while (goes_on && *goes_on) goes_on = co_await with_deadline(60s, echo_some(client));
  if (!goes_on) co_return fail(goes_on.error()); // broken, or a minute in which nothing moved
  co_return co_await with_deadline(60s, client.close());
}

task<result<>> serve(address at) {
  result<listener> door = listener::bind(at);
  if (!door) co_return fail(door.error());
  auto admit = [&](nursery& clients) -> task<result<>> {
    for (;;) {
      result<stream> client = co_await door->accept();
      if (!client) co_return fail(client.error());
      result<> admitted = co_await clients.spawn(echo(std::move(*client))); // waits while 1,000 are served
      if (!admitted) co_return admitted;
    }
  };
  co_return co_await with_nursery(nursery_options(1000, nursery_policy::isolate), admit);
}

int main(int argc, char** argv) {
  const std::string_view where = argc > 1 ? argv[1] : "127.0.0.1:7777";
  // [/readme]
  if (where == "--self-test") return self_test();
  // [readme]
  auto loop = loop::create();
  auto at = address::parse_ip(where);
  return loop && at && run(**loop, serve(*at)) ? 0 : 1;
}
// [/readme]

// --- it talks to itself ---

namespace {

/// More than all buffers between the two ends hold: both have to wait for each other.
constexpr std::size_t message_bytes = 16u << 20;

std::vector<std::byte> make_message() {
  std::vector<std::byte> bytes(message_bytes);
  for (std::size_t i = 0; i < bytes.size(); ++i) bytes[i] = static_cast<std::byte>(i * 31 + i / 4096);
  return bytes;
}

task<result<>> say(stream& server, const std::vector<std::byte>& message) {
  transfer sent = co_await server.write_all(message);
  if (!sent) co_return fail(sent.error());
  co_return co_await server.shutdown();
}

/// The message comes back whole, then the end.
task<result<>> hear(stream& server, const std::vector<std::byte>& message) {
  std::vector<std::byte> echoed(message.size());
  transfer received = co_await server.read_exactly(echoed);
  if (!received) co_return fail(received.error());
  result<lease> end = co_await server.read();
  if (!end) co_return fail(end.error());
  if (echoed != message || !end->empty()) co_return fail(errc::protocol, "the echo differs");
  co_return result<>{};
}

task<result<>> converse(address at) {
  const std::vector<std::byte> message = make_message();
  result<stream> server = co_await stream::connect(at);
  if (!server) co_return fail(server.error());
  auto outcome = co_await when_all(say(*server, message), hear(*server, message));
  result<> said = std::get<0>(outcome);
  result<> heard = std::get<1>(outcome);
  if (!said) co_return said;
  co_return heard;
}

task<result<>> serve_one_client(address at) {
  auto outcome = co_await when_any(serve(at), converse(at)); // the server listens before the client begins
  const result<>& served = std::get<0>(outcome.values);
  if (outcome.first == 0) co_return served; // it should have gone on
  co_return std::get<1>(outcome.values);
}

} // namespace

int self_test() {
  auto loop = loop::create();
  auto at = address::unix_abstract("weir-echo-" + std::to_string(::getpid()));
  if (!loop || !at) return 1;
  const result<> outcome = run(**loop, with_deadline(30s, serve_one_client(*at)));
  if (!outcome) std::fprintf(stderr, "echo_server: %s\n", outcome.error().message().c_str());
  return outcome ? 0 : 1;
}
