// A send that fails on this side, on a simulated host: it breaks the connection, and nobody takes that for an
// end.
#include <weir/async/sleep.hpp>
#include <weir/net/listener.hpp>
#include <weir/net/stream.hpp>
#include <weir/sim/fault_plan.hpp>
#include <weir/sim/host.hpp>
#include <weir/sim/world.hpp>

#include <gtest/gtest.h>
#include <support/simulation.hpp>

#include <array>
#include <chrono>
#include <optional>
#include <string_view>

namespace weir::test {
namespace {

using namespace std::chrono_literals;

enum class reading { leases, into_memory };

/// Says hello, and is about to say more.
task<> serve_unhurried(address at) {
  result<listener> door = listener::bind(at);
  result<stream> client = co_await door->accept();
  const std::string_view hello = "hello";
  (void)co_await client->write_all(std::as_bytes(std::span(hello)));
  (void)co_await client->flush();
  (void)co_await sleep_for(1h);
}

/// Hears the hello, cannot send, and reads on.
task<> ask_without_buffers(address at, sim::world& in, reading how,
                           std::optional<result<std::size_t>>& outcome) {
  result<stream> server = co_await stream::connect(at);
  std::array<std::byte, 64> memory;
  (void)co_await server->read_exactly(std::span(memory).first(5));
  in.faults().set(sim::fault::no_buffers, 1'000'000);
  (void)co_await server->write_all(std::span<const std::byte>(memory));
  const result<void> flushed = co_await server->flush();
  EXPECT_FALSE(flushed);
  in.faults().set(sim::fault::no_buffers, 0);
  if (how == reading::leases) {
    result<lease> got = co_await server->read();
    outcome = got ? result<std::size_t>(got->size()) : result<std::size_t>(fail(got.error()));
  } else {
    outcome = co_await server->read_some(memory);
  }
}

class broken_send_test : public testing::TestWithParam<reading> {};

TEST_P(broken_send_test, is_an_error_to_the_reader_beside_it_and_no_end) {
  sim::world in(1, without_faults());
  sim::host& server = in.add_host("server");
  sim::host& client = in.add_host("client");
  const sim::socket_address where = server.at(7777);
  const address at(where.raw(), where.bytes());
  std::optional<result<std::size_t>> outcome;
  server.start([&](sim::host&) { return serve_unhurried(at); });
  client.start([&](sim::host&) { return ask_without_buffers(at, in, GetParam(), outcome); });
  ASSERT_TRUE(in.run_until([&] { return client.have_programs_ended(); }, in.now_ns() + 60'000'000'000));
  ASSERT_TRUE(outcome.has_value());
  ASSERT_FALSE(outcome->has_value()) << "read " << **outcome << " bytes";
  EXPECT_EQ(outcome->error().code(), std::errc::no_buffer_space);
}

INSTANTIATE_TEST_SUITE_P(each, broken_send_test, testing::Values(reading::leases, reading::into_memory));

} // namespace
} // namespace weir::test
