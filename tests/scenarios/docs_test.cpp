// The examples of docs/simulation.md, as they stand there.
#include <weir/async/sleep.hpp>
#include <weir/async/with_deadline.hpp>
#include <weir/net/listener.hpp>
#include <weir/net/stream.hpp>
#include <weir/sim/testing.hpp>

#include <gtest/gtest.h>

#include <array>
#include <chrono>
#include <cstddef>
#include <memory>
#include <set>
#include <string>
#include <utility>

namespace weir::test {
namespace {

using namespace std::chrono_literals;

// [server]
task<result<>> serve_one(stream client, std::set<int>& kept) {
  std::array<std::byte, 1> number{};
  const transfer got = co_await client.read_exactly(number);
  if (!got) co_return fail(got.error());
  kept.insert(static_cast<int>(number[0]));
  const transfer confirmed = co_await client.write_all(number);
  if (!confirmed) co_return fail(confirmed.error());
  co_return co_await client.close();
}

task<listener> open_door() {
  for (;;) {
    result<listener> door = listener::bind(*address::ip("10.0.0.1", 7000));
    if (door) co_return std::move(*door);
    result<> slept = co_await sleep_for(10ms); // no descriptor is free
    if (!slept) co_return listener();
  }
}

task<> keep_numbers(std::set<int>& kept) {
  listener door = co_await open_door();
  while (door) {
    result<stream> client = co_await door.accept();
    if (!client && client.error().is_cancelled()) co_return;
    result<> served;
    if (client)
      served = co_await with_deadline(1s, serve_one(std::move(*client), kept));
    else
      served = co_await sleep_for(10ms);
  }
}

// [client]
task<result<>> tell(int number) {
  result<stream> server = co_await stream::connect(*address::ip("10.0.0.1", 7000));
  if (!server) co_return fail(server.error());
  std::array<std::byte, 1> byte{static_cast<std::byte>(number)};
  const transfer sent = co_await server->write_all(byte);
  if (!sent) co_return fail(sent.error());
  const transfer confirmed = co_await server->read_exactly(byte);
  if (!confirmed) co_return fail(confirmed.error());
  co_return result<>();
}

// [bug]
task<> tell_all() {
  for (int number = 0; number < 10; ++number) {
    result<> told = co_await with_deadline(2s, tell(number));
    if (!told) told = co_await with_deadline(2s, tell(number)); // connects once more, and goes on
  }
}

// [right]
task<> tell_all_until_confirmed() {
  for (int number = 0; number < 10; ++number) {
    result<> told = co_await with_deadline(2s, tell(number));
    while (!told && !told.error().is_cancelled()) {
      result<> slept = co_await sleep_for(100ms);
      if (!slept) co_return;
      told = co_await with_deadline(2s, tell(number));
    }
    if (!told) co_return;
  }
}

// [try]
auto in_simulated_worlds(task<> (*tell_everything)()) {
  return sim::try_seeds(300, [=](sim::trial& world) {
    auto kept = std::make_shared<std::set<int>>();
    world.serve_on("server", [kept](sim::host&) { return keep_numbers(*kept); });
    auto client = [kept, tell_everything, &world](sim::host&) -> task<> {
      co_await tell_everything();
      world.expect(kept->size() == 10, "a number was lost");
    };
    world.run_on("client", client);
  });
}

// [end]

TEST(simulation_page, finds_the_message_that_is_lost_on_reconnect) {
  const sim::trial_outcome outcome = in_simulated_worlds(tell_all);
  ASSERT_FALSE(outcome.passed());
  EXPECT_EQ(outcome.failed->failure, "a number was lost");
  EXPECT_NE(outcome.text().find("needs no more than:"), std::string::npos);
  EXPECT_GT(outcome.shrunk->report.last.size(), 10u);
}

TEST(simulation_page, finds_nothing_once_it_is_right) {
  const sim::trial_outcome outcome = in_simulated_worlds(tell_all_until_confirmed);
  EXPECT_TRUE(outcome.passed()) << outcome.text();
  EXPECT_EQ(outcome.text(), "300 seeds passed");
}

} // namespace
} // namespace weir::test
