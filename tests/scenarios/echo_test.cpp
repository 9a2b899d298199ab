// Streams of net/ between two hosts of a simulated world: programs run on it unaware, and one seed decides
// everything.
#include <weir/async/sleep.hpp>
#include <weir/async/with_nursery.hpp>
#include <weir/net/listener.hpp>
#include <weir/net/stream.hpp>
#include <weir/sim/host.hpp>
#include <weir/sim/network.hpp>
#include <weir/sim/world.hpp>

#include <gtest/gtest.h>
#include <support/simulation.hpp>

#include <chrono>
#include <string>

namespace weir::test {
namespace {

using namespace std::chrono_literals;

address address_of(const sim::host& on, std::uint16_t port) {
  const sim::socket_address at = on.at(port);
  return {at.raw(), at.bytes()};
}

task<> serve_echo(sim::host& on) {
  result<listener> door = listener::bind(address_of(on, 7777));
  if (!door) co_return;
  for (;;) {
    result<stream> client = co_await door->accept();
    if (!client) co_return;
    bool goes_on = true;
    while (goes_on) {
      result<lease> received = co_await client->read();
      goes_on = received && !received->empty();
      if (!goes_on) break;
      transfer sent = co_await client->write_all(*received);
      goes_on = bool(sent);
    }
  }
}

/// What came back of `text`, sent `rounds` times.
task<> ask_echo(address at, int rounds, std::string& heard) {
  result<stream> server = co_await stream::connect(at);
  if (!server) co_return;
  for (int round = 0; round < rounds; ++round) {
    const std::string text = "round " + std::to_string(round) + ";";
    transfer sent = co_await server->write_all(std::as_bytes(std::span(text)));
    if (!sent) co_return;
    std::string back;
    while (back.size() < text.size()) {
      result<lease> received = co_await server->read();
      if (!received || received->empty()) co_return;
      back.append(reinterpret_cast<const char*>(received->data()), received->size());
    }
    heard += back;
  }
  (void)co_await server->close();
}

struct echo_outcome {
  std::string heard;
  std::uint64_t hash = 0;
  std::uint64_t now_ns = 0;
};

echo_outcome run_echo(std::uint64_t seed, const sim::world_options& options, int rounds) {
  echo_outcome outcome;
  sim::world in(seed, options);
  sim::host& server = in.add_host("server");
  sim::host& client = in.add_host("client");
  server.start(serve_echo);
  const address at = address_of(server, 7777);
  client.start([&, at](sim::host&) { return ask_echo(at, rounds, outcome.heard); });
  in.run_until([&] { return client.have_programs_ended(); }, in.now_ns() + 3'600'000'000'000);
  outcome.hash = in.log().hash();
  outcome.now_ns = in.now_ns();
  return outcome;
}

TEST(echo_test, a_server_and_a_client_on_two_hosts_hear_each_other) {
  const echo_outcome outcome = run_echo(1, without_faults(), 3);
  EXPECT_EQ(outcome.heard, "round 0;round 1;round 2;");
}

TEST(echo_test, time_is_virtual_and_passes_as_the_network_needs_it) {
  sim::world in(1, without_faults());
  in.net().set_default({40'000'000, 40'000'000});
  sim::host& server = in.add_host("server");
  sim::host& client = in.add_host("client");
  server.start(serve_echo);
  std::string heard;
  const address at = address_of(server, 7777);
  client.start([&, at](sim::host&) { return ask_echo(at, 10, heard); });
  const std::uint64_t began_ns = in.now_ns();
  EXPECT_TRUE(in.run_until([&] { return client.have_programs_ended(); }));
  const std::uint64_t took_ns = in.now_ns() - began_ns;
  EXPECT_GE(took_ns, 11 * 80'000'000u) << "a round trip for the connect, and one a round";
  EXPECT_LE(took_ns, 12 * 80'000'000u);
}

TEST(echo_test, the_same_seed_leads_to_the_same_trace_and_another_to_another) {
  for (std::uint64_t seed = 1; seed <= 20; ++seed) {
    const echo_outcome first = run_echo(seed, sim::world_options(), 20),
                       second = run_echo(seed, sim::world_options(), 20);
    EXPECT_EQ(first.hash, second.hash) << "seed " << seed;
    EXPECT_EQ(first.now_ns, second.now_ns);
    EXPECT_EQ(first.heard, second.heard);
    EXPECT_NE(first.hash, run_echo(seed + 100, sim::world_options(), 20).hash);
  }
}

/// Whatever goes wrong: what is heard is what was said, from its beginning on.
TEST(echo_test, no_fault_makes_an_echo_say_what_was_not_said) {
  std::string whole;
  for (int round = 0; round < 20; ++round) whole += "round " + std::to_string(round) + ";";
  for (std::uint64_t seed = 1; seed <= 200; ++seed) {
    const echo_outcome outcome = run_echo(seed, sim::world_options(), 20);
    EXPECT_TRUE(whole.starts_with(outcome.heard)) << "seed " << seed << ": " << outcome.heard;
  }
}

} // namespace
} // namespace weir::test
