// A gate that sheds, on a simulated host that has no descriptor left: it does not spin while nobody comes.
#include <weir/async/sleep.hpp>
#include <weir/async/with_deadline.hpp>
#include <weir/net/listener.hpp>
#include <weir/net/stream.hpp>
#include <weir/runtime/accept_gate.hpp>
#include <weir/sim/host.hpp>
#include <weir/sim/world.hpp>

#include <gtest/gtest.h>
#include <support/simulation.hpp>

#include <chrono>
#include <cstdint>
#include <string>

namespace weir::test {
namespace {

using namespace std::chrono_literals;

struct seen_at_gate {
  std::uint64_t operations = 0;
  std::uint64_t shed = 0;
  std::string heard;
};

task<> shed_for_two_seconds(sim::host& on, address at, seen_at_gate& seen) {
  listen_options listening;
  listening.accepted_max = 0;
  result<listener> door = listener::bind(at, listening);
  gate_options options(1, overload::shed);
  options.farewell = "busy\n";
  accept_gate gate(options);
  on.descriptors().set_limit(on.descriptors().open_count());
  const loop_counters& counters = loop::current()->counters();
  const std::uint64_t before = counters.operations_started;
  result<admitted> nobody = co_await with_deadline(2s, gate.accept(*door));
  EXPECT_TRUE(!nobody && nobody.error().is_timeout());
  seen.operations = counters.operations_started - before;
  seen.shed = gate.shed();
}

task<> come_after_a_second(address at, std::string& heard) {
  (void)co_await sleep_for(1s);
  result<stream> server = co_await stream::connect(at);
  result<lease> farewell = co_await with_deadline(200ms, server->read());
  if (farewell) heard.assign(reinterpret_cast<const char*>(farewell->data()), farewell->size());
}

TEST(used_up_descriptors_test, make_a_gate_look_ten_times_a_second_and_shed_who_comes) {
  sim::world in(1, without_faults());
  sim::host& server = in.add_host("server");
  sim::host& client = in.add_host("client");
  const sim::socket_address where = server.at(7777);
  const address at(where.raw(), where.bytes());
  seen_at_gate seen;
  server.start([&, at](sim::host& on) { return shed_for_two_seconds(on, at, seen); });
  client.start([&, at](sim::host&) { return come_after_a_second(at, seen.heard); });
  const auto is_over = [&] { return server.have_programs_ended() && client.have_programs_ended(); };
  EXPECT_TRUE(in.run_until(is_over, in.now_ns() + 10'000'000'000));
  EXPECT_EQ(seen.heard, "busy\n");
  EXPECT_EQ(seen.shed, 1u);
  EXPECT_LE(seen.operations, 60u) << "two a look";
}

} // namespace
} // namespace weir::test
