// Hosts: their crash and restart, their clocks, their loops.
#include "sim_rig.hpp"

#include <weir/async/when_all.hpp>

#include <cerrno>

namespace weir::test {
namespace {

using host_test = sim_rig;

TEST_F(host_test, a_crash_is_silence_and_its_new_life_answers_with_a_reset) {
  int starts = 0;
  server().start([&](sim::host&) -> task<> {
    ++starts;
    const descriptor door = listen_at(at_server());
    result<descriptor> connection = co_await async_accept(door.get());
    if (connection) (void)co_await hear_all(connection->get());
  });
  int told = 0;
  std::uint64_t told_at_ns = 0;
  client().start([&](sim::host&) -> task<> {
    result<descriptor> connection = co_await connected_to(at_server());
    if (!connection) co_return;
    while (told == 0) {
      const std::string_view text = "x";
      result<std::size_t> sent = co_await async_send(connection->get(), std::as_bytes(std::span(text)));
      if (!sent) told = sent.error().code().value();
      (void)co_await sleep_for(100ms);
    }
    told_at_ns = in().now_ns();
  });
  const std::uint64_t crash_ns = in().now_ns() + second_ns;
  server().crash_at(crash_ns, 10 * second_ns);
  ASSERT_TRUE(in().run_until([&] { return client().have_programs_ended(); }, in().now_ns() + 60 * second_ns));
  EXPECT_EQ(told, ECONNRESET);
  EXPECT_EQ(starts, 2);
  EXPECT_EQ(server().life(), 2u);
  EXPECT_GE(told_at_ns, crash_ns + 10 * second_ns) << "nobody could tell before";
}

/// Everything that a program may hang on ends at once, and it has no effect any more.
TEST_F(host_test, a_program_is_unwound_by_a_crash_wherever_it_waits) {
  int ended = 0, effects = 0;
  struct counts_its_end {
    explicit counts_its_end(int& in) noexcept : count(in) {}
    ~counts_its_end() { ++count; }
    int& count;
  };
  const auto sleeps = [&]() -> task<> {
    const counts_its_end here(ended);
    (void)co_await sleep_for(24h);
  };
  const auto accepts = [&]() -> task<> {
    const counts_its_end here(ended);
    const descriptor door = listen_at(at_server());
    for (;;) {
      result<descriptor> connection = co_await async_accept(door.get());
      if (!connection) break;
    }
    const descriptor more = open_tcp();
    if (more) ++effects;
  };
  const auto tries_again = [&]() -> task<> {
    const counts_its_end here(ended);
    for (int attempt = 0; attempt < 100; ++attempt) {
      result<descriptor> never = co_await connected_to(sim::socket_address::of_host(AF_INET, 2, 9));
      (void)co_await sleep_for(10s);
    }
  };
  server().start([&](sim::host&) -> task<> { co_await when_all(sleeps(), accepts(), tries_again()); });
  in().run_until([] { return false; }, in().now_ns() + 5 * second_ns);
  EXPECT_EQ(ended, 0);
  const std::uint64_t before_ns = in().now_ns();
  server().crash();
  EXPECT_EQ(ended, 3);
  EXPECT_EQ(effects, 0);
  EXPECT_EQ(in().now_ns(), before_ns) << "it took no time";
  EXPECT_EQ(server().descriptors().open_count(), 0u);
}

TEST_F(host_test, loops_of_one_host_take_turns_that_the_seed_chooses) {
  const auto order_of = [this](std::uint64_t seed) {
    open(seed);
    std::string order;
    for (const char name : {'a', 'b', 'c'})
      server().start([&order, name](sim::host&) -> task<> {
        for (int round = 0; round < 20; ++round) {
          order += name;
          (void)co_await async_nop();
        }
      });
    EXPECT_TRUE(run());
    return order;
  };
  const std::string first = order_of(1);
  EXPECT_EQ(first.size(), 60u);
  EXPECT_EQ(order_of(1), first);
  EXPECT_NE(order_of(2), first);
}

TEST_F(host_test, a_clock_that_drifts_sleeps_longer_or_shorter) {
  std::uint64_t slow_ns = 0, fast_ns = 0;
  server().set_drift(-500);
  client().set_drift(500);
  const std::uint64_t began_ns = in().now_ns();
  server().start([&](sim::host&) -> task<> {
    (void)co_await sleep_for(1000s);
    slow_ns = in().now_ns() - began_ns;
  });
  client().start([&](sim::host&) -> task<> {
    (void)co_await sleep_for(1000s);
    fast_ns = in().now_ns() - began_ns;
  });
  ASSERT_TRUE(run());
  EXPECT_NEAR(static_cast<double>(slow_ns), 1000.5e9, 1e7);
  EXPECT_NEAR(static_cast<double>(fast_ns), 999.5e9, 1e7);
}

TEST_F(host_test, the_wall_clock_jumps_and_the_monotonic_one_does_not) {
  const std::int64_t wall_ns = server().wall_clock_ns();
  const std::uint64_t monotonic_ns = server().now_ns();
  server().jump(-3'600'000'000'000);
  EXPECT_LT(server().wall_clock_ns(), wall_ns);
  EXPECT_GE(server().now_ns(), monotonic_ns);
}

TEST_F(host_test, a_program_that_throws_is_told_of) {
  server().start([](sim::host&) -> task<> {
    (void)co_await async_nop();
    throw std::runtime_error("broken");
  });
  ASSERT_TRUE(run());
  EXPECT_THROW(std::rethrow_exception(server().failure()), std::runtime_error);
  EXPECT_EQ(client().failure(), nullptr);
}

TEST_F(host_test, who_closes_a_descriptor_with_operations_outstanding_is_accused) {
  server().start([](sim::host&) -> task<> {
    descriptor socket = open_tcp();
    const sim::socket_address any = sim::socket_address::any(AF_INET, rig_port);
    EXPECT_EQ(calls().bind(socket.get(), any.raw(), any.bytes()), 0);
    EXPECT_EQ(calls().listen(socket.get(), 1), 0);
    const auto closes = [&]() -> task<> {
      (void)co_await async_nop();
      socket.reset();
    };
    const auto accepts = [&]() -> task<> { (void)co_await async_accept(socket.get()); };
    co_await when_all(accepts(), closes());
  });
  ASSERT_TRUE(run());
  EXPECT_NE(in().accusation().find("outstanding"), std::string::npos);
  open(); // with a clean record
}

} // namespace
} // namespace weir::test
