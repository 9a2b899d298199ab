// An echo server with a bound on everything: `echo_server [ADDRESS:PORT]`. README.md shows the parts of this
// file between [readme] and [/readme]; tests/app/readme_test.py compares them.
#include "echo_server_self_test.hpp"

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
