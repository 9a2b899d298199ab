// Whatever a connection needs fails once at each place where it is needed.
#include "stream_ends.hpp"

#include <weir/net/listener.hpp>

#include <support/exhaustion.hpp>

namespace weir::test {
namespace {

constexpr std::size_t echoed_bytes = 300'000; // more than a slot, and more than the credit

task<result<>> echo_once(listener door) {
  result<stream> client = co_await door.accept();
  if (!client) co_return fail(client.error());
  bool goes_on = true;
  while (goes_on) {
    result<lease> received = co_await client->read();
    if (!received) co_return fail(received.error());
    goes_on = !received->empty();
    if (!goes_on) continue;
    const transfer sent = co_await client->write_all(*received);
    if (!sent) co_return fail(sent.error());
  }
  co_return co_await client->close();
}

task<result<>> send_and_end(stream& to, const std::string& text) {
  const transfer sent = co_await to.write_all(bytes_of(text));
  if (!sent) co_return fail(sent.error());
  co_return co_await to.shutdown();
}

task<result<>> receive_to_end(stream& from, std::string& into) {
  bool goes_on = true;
  while (goes_on) {
    result<lease> received = co_await from.read();
    if (!received) co_return fail(received.error());
    goes_on = !received->empty();
    if (goes_on) into += text_of(*received);
  }
  co_return result<>();
}

task<result<>> ask(address at) {
  result<stream> server = co_await stream::connect(at);
  if (!server) co_return fail(server.error());
  const std::string sent = pattern(echoed_bytes);
  std::string received;
  result<> moved = co_await side_by_side(send_and_end(*server, sent), receive_to_end(*server, received));
  if (!moved) co_return moved;
  if (received != sent) co_return fail(errc::protocol, "an answer that is short, or another");
  co_return co_await server->close();
}

task<result<>> echo_over(address at) {
  result<listener> door = listener::bind(at);
  if (!door) co_return fail(door.error());
  const address where = door->local_address();
  co_return co_await side_by_side(echo_once(std::move(*door)), ask(where));
}

using net_exhaustion = exhaustion_test;

TEST_P(net_exhaustion, of_a_tcp_connection_is_an_error_that_leaks_nothing) {
  fail_each_step_of([] { return within_patience(echo_over(*address::parse_ip("127.0.0.1:0"))); });
}

INSTANTIATE_TEST_SUITE_P(each, net_exhaustion, each_fault(), name_of_fault);

} // namespace
} // namespace weir::test
