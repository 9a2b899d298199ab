// What a client's race of connections and a server behind a proxy need fails once at each place.
#include "stream_ends.hpp"

#include <weir/net/happy_eyeballs.hpp>
#include <weir/net/listener.hpp>
#include <weir/net/proxy_accept.hpp>

#include <support/exhaustion.hpp>

namespace weir::test {
namespace {

using connect_exhaustion = exhaustion_test;

task<result<>> admit_one(listener& door) {
  result<stream> guest = co_await door.accept();
  if (!guest) co_return fail(guest.error());
  result<lease> end = co_await guest->read();
  if (!end) co_return fail(end.error());
  co_return co_await guest->close();
}

/// The first address refuses, the second answers.
task<result<>> race_to(address answers, address refuses) {
  std::vector<address> both{refuses, answers};
  connect_options options;
  options.attempt_delay = 10ms;
  result<stream> won = co_await connect_any(std::move(both), std::move(options));
  if (!won) co_return fail(won.error());
  co_return co_await won->close();
}

task<result<>> race_for_a_connection() {
  result<listener> door = listener::bind(*address::parse_ip("127.0.0.1:0"));
  if (!door) co_return fail(door.error());
  const address at = door->local_address();
  const address nobody = *address::ip("127.0.0.2", at.port());
  co_return co_await side_by_side(admit_one(*door), race_to(at, nobody));
}

TEST_P(connect_exhaustion, of_happy_eyeballs_is_an_error_that_leaks_nothing) {
  fail_each_step_of([] { return within_patience(race_for_a_connection()); });
}

proxy_policy trusting_loopback() {
  return proxy_policy({*ip_network::parse("127.0.0.0/8")});
}

task<result<>> serve_behind_proxy(listener& door) {
  result<stream> guest = co_await door.accept();
  if (!guest) co_return fail(guest.error());
  const proxy_policy policy = trusting_loopback();
  result<stream_peer> peer = co_await read_proxy_header(*guest, policy);
  if (!peer) co_return fail(peer.error());
  EXPECT_EQ(peer->source.to_string(), "192.0.2.1:4711");
  std::string greeting(5, '\0');
  const transfer read = co_await guest->read_exactly(std::as_writable_bytes(std::span(greeting)));
  if (!read) co_return fail(read.error());
  EXPECT_EQ(greeting, "hello");
  co_return co_await guest->close();
}

task<result<>> call_as_proxy(address at) {
  proxy_header header;
  header.source = *address::ip("192.0.2.1", 4711);
  header.destination = *address::ip("198.51.100.1", 80);
  result<std::string> words = encode_proxy_v2(header, true);
  if (!words) co_return fail(words.error());
  result<stream> made = co_await stream::connect(at);
  if (!made) co_return fail(made.error());
  *words += "hello";
  const transfer sent = co_await made->write_all(bytes_of(*words));
  if (!sent) co_return fail(sent.error());
  result<lease> end = co_await made->read(); // the server's end
  if (!end) co_return fail(end.error());
  co_return co_await made->close();
}

task<result<>> talk_through_a_proxy() {
  result<listener> door = listener::bind(*address::parse_ip("127.0.0.1:0"));
  if (!door) co_return fail(door.error());
  const address at = door->local_address();
  co_return co_await side_by_side(serve_behind_proxy(*door), call_as_proxy(at));
}

TEST_P(connect_exhaustion, of_the_proxy_protocol_is_an_error_that_leaks_nothing) {
  fail_each_step_of([] { return within_patience(talk_through_a_proxy()); });
}

INSTANTIATE_TEST_SUITE_P(each, connect_exhaustion, each_fault(), name_of_fault);

} // namespace
} // namespace weir::test
