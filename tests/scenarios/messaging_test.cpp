// ROUTER and DEALER on two hosts of a simulated world.
#include <weir/async/shield.hpp>
#include <weir/async/when_all.hpp>
#include <weir/sim/host.hpp>
#include <weir/sim/network.hpp>
#include <weir/sim/world.hpp>
#include <weir/zmtp/dealer.hpp>
#include <weir/zmtp/router.hpp>

#include <gtest/gtest.h>
#include <support/allocations.hpp>
#include <support/sanitized.hpp>
#include <support/simulation.hpp>

#include <chrono>
#include <cstdio>
#include <cstring>
#include <string>

namespace weir::test {
namespace {

constexpr const char* at_server = "tcp://10.0.0.1:5555";
constexpr std::uint64_t hour_ns = 3'600'000'000'000;

/// Sends back what comes, until it is cancelled.
task<> answer_all(sim::host&) {
  zmtp::router ours{zmtp::socket_options()};
  result<std::string> bound = ours.bind(at_server);
  zmtp::message each;
  bool goes_on = bool(bound);
  while (goes_on) {
    result<> received = co_await ours.receive(each);
    goes_on = bool(received);
    if (!goes_on) break;
    result<> sent = co_await ours.send(std::move(each));
    goes_on = bool(sent);
  }
  (void)co_await shield(ours.close());
}

struct heard_numbers {
  std::uint64_t next = 0; ///< the number that is to come
  bool is_in_order = true;
  void hear(const zmtp::message& what) {
    std::uint64_t number = ~std::uint64_t{0};
    if (what.size() == 1 && what[0].size() >= sizeof number)
      std::memcpy(&number, what[0].data(), sizeof number);
    is_in_order = is_in_order && number == next;
    ++next;
  }
};

task<> send_numbers(zmtp::dealer& to, std::uint64_t count) {
  for (std::uint64_t number = 0; number < count; ++number) {
    zmtp::message next;
    next.add().assign(std::string_view(reinterpret_cast<const char*>(&number), sizeof number));
    result<> sent = co_await to.send(std::move(next));
    if (!sent) co_return;
  }
}

task<> hear_numbers(zmtp::dealer& from, std::uint64_t count, heard_numbers& heard) {
  zmtp::message each;
  while (heard.next < count) {
    result<> received = co_await from.receive(each);
    if (!received) co_return;
    heard.hear(each);
  }
}

/// One at a time: each is heard before the next is sent.
task<> send_and_hear(zmtp::dealer& with, std::uint64_t count, heard_numbers& heard) {
  zmtp::message back;
  for (std::uint64_t number = 0; number < count; ++number) {
    zmtp::message next;
    next.add().assign(std::string_view(reinterpret_cast<const char*>(&number), sizeof number));
    result<> sent = co_await with.send(std::move(next));
    if (!sent) co_return;
    result<> received = co_await with.receive(back);
    if (!received) co_return;
    heard.hear(back);
  }
}

enum class pace { one_at_a_time, all_at_once };

struct exchange {
  exchange(std::uint64_t seed, const sim::world_options& options, std::uint64_t count, pace how)
      : in(seed, options) {
    in.add_host("server").start(answer_all);
    auto ask = [this, count, how](sim::host&) { return asks(count, how); };
    in.add_host("client").start(ask);
  }
  task<> asks(std::uint64_t count, pace how) {
    zmtp::dealer ours{zmtp::socket_options()};
    result<> connected = ours.connect(at_server);
    if (connected && how == pace::one_at_a_time) co_await send_and_hear(ours, count, heard);
    if (connected && how == pace::all_at_once)
      co_await when_all(send_numbers(ours, count), hear_numbers(ours, count, heard));
    (void)co_await shield(ours.close());
  }
  sim::host& client() { return in.host_number(2); }

  heard_numbers heard;
  sim::world in; ///< goes first: its programs refer to what is above
};

TEST(messaging_test, comes_back_whole_and_in_order) {
  exchange messages(1, without_faults(), 1000, pace::all_at_once);
  EXPECT_TRUE(messages.in.run_until([&] { return messages.client().have_programs_ended(); }, hour_ns));
  EXPECT_EQ(messages.heard.next, 1000u);
  EXPECT_TRUE(messages.heard.is_in_order);
}

TEST(messaging_test, is_the_same_for_the_same_seed) {
  for (std::uint64_t seed = 1; seed <= 10; ++seed) {
    std::uint64_t hash = 0;
    for (int run = 0; run < 2; ++run) {
      exchange messages(seed, sim::world_options(), 200, pace::all_at_once);
      messages.in.run_until([&] { return messages.client().have_programs_ended(); }, 600'000'000'000);
      if (run == 1) {
        EXPECT_EQ(messages.in.log().hash(), hash) << "seed " << seed;
      }
      hash = messages.in.log().hash();
    }
  }
}

TEST(messaging_test, allocates_nothing_once_it_is_warm) {
  if (is_sanitized) GTEST_SKIP() << "sanitizers keep the allocator to themselves";
  constexpr std::uint64_t warm_up = 1'000, count = 10'000;
  exchange messages(1, without_faults(), count, pace::one_at_a_time);
  ASSERT_TRUE(messages.in.run_until([&] { return messages.heard.next >= warm_up; }, hour_ns));
  const std::uint64_t before = allocations_of_this_thread();
  ASSERT_TRUE(messages.in.run_until([&] { return messages.heard.next >= count - 100; }, hour_ns));
  EXPECT_EQ(allocations_of_this_thread() - before, 0u);
}

/// Not a test of time, which would depend on the machine: it tells it.
TEST(messaging_test, tells_how_many_events_a_second_it_takes) {
  constexpr std::uint64_t count = 50'000;
  exchange messages(1, without_faults(), count, pace::one_at_a_time);
  const auto began = std::chrono::steady_clock::now();
  ASSERT_TRUE(messages.in.run_until([&] { return messages.client().have_programs_ended(); }, hour_ns));
  const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - began).count();
  EXPECT_EQ(messages.heard.next, count);
  std::printf("%llu round trips: %.0f steps/s, %.0f traced events/s\n",
              static_cast<unsigned long long>(count), static_cast<double>(messages.in.steps()) / seconds,
              static_cast<double>(messages.in.log().events()) / seconds);
}

} // namespace
} // namespace weir::test
