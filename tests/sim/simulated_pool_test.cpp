// Blocking work on a simulated host: as many threads as it has, a line before them, an end in any order.
#include "cancels_later.hpp"

#include <weir/async/offload.hpp>
#include <weir/async/sleep.hpp>
#include <weir/async/when_all.hpp>
#include <weir/sim/host.hpp>
#include <weir/sim/world.hpp>

#include <gtest/gtest.h>
#include <support/simulation.hpp>

#include <algorithm>
#include <chrono>
#include <map>
#include <set>
#include <string>
#include <thread>
#include <vector>

namespace weir::sim::test {
namespace {

using namespace std::chrono_literals;

/// Runs it on one host until it has ended.
void run_program(world& in, host::program what) {
  host& on = in.add_host("pool");
  on.start(std::move(what));
  EXPECT_TRUE(in.run_until([&] { return on.have_programs_ended(); }));
  EXPECT_EQ(on.failure(), nullptr);
}

TEST(simulated_pool, runs_work_on_the_thread_of_the_world_at_a_virtual_time) {
  world in(1, weir::test::without_faults());
  run_program(in, [&](host&) -> task<> {
    const std::uint64_t began_ns = in.now_ns();
    std::thread::id ran_on;
    auto work = [&] {
      ran_on = std::this_thread::get_id();
      return 7;
    };
    result<int> value = co_await offload(pool_class::cpu, work);
    EXPECT_EQ(value.value_or(0), 7);
    EXPECT_EQ(ran_on, std::this_thread::get_id());
    EXPECT_GT(in.now_ns(), began_ns);
  });
}

TEST(simulated_pool, ends_work_in_any_order_and_begins_it_in_the_order_of_arrival) {
  std::set<std::vector<int>> orders;
  for (std::uint64_t seed = 1; seed <= 20; ++seed) {
    world in(seed);
    std::vector<int> order;
    run_program(in, [&](host&) -> task<> {
      auto one = [&](int number) -> task<> {
        auto work = [&] { order.push_back(number); };
        (void)co_await offload(pool_class::disk, work);
      };
      co_await when_all(one(1), one(2), one(3), one(4));
    });
    EXPECT_EQ(order.size(), 4u);
    orders.insert(order);
    std::vector<int> of_one_thread;
    run_program(in, [&](host& on) -> task<> {
      blocking_pool_options one_thread;
      one_thread.of(pool_class::disk) = pool_class_options(1, 10);
      simulated_pool narrow(on, one_thread);
      struct numbered : pool_work {
        numbered(int own, std::vector<int>& into)
            : pool_work([](pool_work& self) noexcept {
                auto& me = static_cast<numbered&>(self);
                me.order.push_back(me.number);
              }),
              number(own), order(into) {}
        int number;
        std::vector<int>& order;
      };
      numbered first(1, of_one_thread), second(2, of_one_thread), third(3, of_one_thread);
      for (numbered* each : {&first, &second, &third}) EXPECT_TRUE(narrow.submit(pool_class::disk, *each));
      while (of_one_thread.size() < 3) (void)co_await sleep_for(100ms);
    });
    EXPECT_EQ(of_one_thread, (std::vector<int>{1, 2, 3}));
  }
  EXPECT_GT(orders.size(), 5u);
}

TEST(simulated_pool, refuses_at_its_bound_and_lets_others_wait_in_line) {
  world in(1, weir::test::without_faults());
  run_program(in, [&](host& on) -> task<> {
    int done = 0, refused = 0;
    auto work = [] {};
    auto waits = [&]() -> task<> {
      result<> ran = co_await offload(pool_class::dns, work);
      if (ran) ++done;
    };
    auto may_be_refused = [&]() -> task<> {
      result<> ran = co_await offload(pool_class::dns, work, when_full::refuse);
      if (!ran && ran.error() == errc::limit_reached) ++refused;
    };
    std::vector<task<>> all;
    for (int i = 0; i < 256; ++i) all.push_back(waits());
    all.push_back(may_be_refused());
    for (int i = 0; i < 10; ++i) all.push_back(waits());
    co_await when_all(std::move(all));
    EXPECT_EQ(done, 266);
    EXPECT_EQ(refused, 1);
    EXPECT_EQ(on.pool().queued(pool_class::dns), 0u);
    EXPECT_EQ(on.pool().threads_busy(pool_class::dns), 0u);
    EXPECT_EQ(on.pool().threads(pool_class::dns), 4u);
  });
}

TEST(simulated_pool, work_that_is_cancelled_never_begins_or_gives_its_value) {
  std::map<std::string, int> outcomes;
  for (std::uint64_t seed = 1; seed <= 60; ++seed) {
    world in(seed, weir::test::without_faults());
    run_program(in, [&](host&) -> task<> {
      cancels_later cancelled(in, seed * 3'000);
      bool has_run = false, was_asked_to_stop = false;
      auto work = [&](std::stop_token stop) {
        has_run = true;
        was_asked_to_stop = stop.stop_requested();
        return 7;
      };
      result<int> value = co_await offload(pool_class::user, work).under(&cancelled.scope);
      EXPECT_EQ(value.has_value(), has_run);
      if (!value) {
        EXPECT_TRUE(value.error().is_cancelled());
      }
      const char* const when = was_asked_to_stop ? "was asked to stop" : "had ended";
      ++outcomes[has_run ? when : "never began"];
    });
  }
  EXPECT_GT(outcomes["never began"], 2);
  EXPECT_GT(outcomes["was asked to stop"], 2);
  EXPECT_GT(outcomes["had ended"], 2);
}

TEST(simulated_pool, of_a_host_that_crashes_leaves_nobody_without_an_answer) {
  for (std::uint64_t seed = 1; seed <= 20; ++seed) {
    world in(seed);
    host& on = in.add_host("pool");
    int answers = 0, lives = 0;
    on.start([&](host&) -> task<> {
      ++lives;
      for (int i = 0; i < 20; ++i) {
        auto work = [] {};
        (void)co_await offload(pool_class::cpu, work);
        ++answers;
      }
    });
    on.crash_at(in.now_ns() + 300'000, 1'000'000);
    EXPECT_TRUE(in.run_until([&] { return lives == 2 && on.have_programs_ended(); }));
    EXPECT_EQ(answers, 40);
  }
}

} // namespace
} // namespace weir::sim::test
