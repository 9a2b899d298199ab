#include "toy_scenario.hpp"

#include <weir/async/shield.hpp>
#include <weir/async/sleep.hpp>
#include <weir/async/task.hpp>
#include <weir/io/system_calls.hpp>
#include <weir/sim/exhaustive.hpp>
#include <weir/sim/hosts_run.hpp>

#include <gtest/gtest.h>
#include <sys/socket.h>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <set>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

namespace weir::sim::test {
namespace {

using std::chrono::milliseconds;

/// How many of so many seeds find anything.
int found_by_seeds(const scenario& what, std::uint64_t last_seed) {
  int found = 0;
  for (std::uint64_t seed = 1; seed <= last_seed; ++seed) found += !run_seed(what, seed).passed();
  return found;
}

exhaustive_options each_without_faults() {
  exhaustive_options options;
  options.run.kinds.reset();
  return options;
}

// --- fail_each ---

/// Does not survive a stall in its fortieth tick, unless it had one before: then it is careful.
class stumbles_once : public ticking {
 public:
  explicit stumbles_once(world& in) : ticking(in) {}

 private:
  void ticked(world& in) override {
    ++ticks_;
    if (has_stalled && stalled_at_ == 0) stalled_at_ = ticks_;
    if (stalled_at_ == 40) in.accuse("it stumbled");
  }
  int ticks_ = 0;
  int stalled_at_ = 0;
};

TEST(fail_each_test, finds_the_one_fault_that_matters) {
  const scenario what = toy<stumbles_once>("stumbles_once");
  EXPECT_EQ(found_by_seeds(what, 20), 0) << "too easy to show anything";
  const exhaustive_report report = fail_each(what, 1);
  ASSERT_FALSE(report.passed());
  EXPECT_EQ(report.failed->failure, "it stumbled");
  EXPECT_EQ(report.place, "--fail-at 78") << "a tick asks about two kinds";
  EXPECT_EQ(report.places, 200u);
  EXPECT_FALSE(report.is_complete);
}

TEST(fail_each_test, what_it_found_can_be_run_again) {
  run_options options;
  options.fail_at = 78;
  const run_report again = run_twice(toy<stumbles_once>("stumbles_once"), 1, options);
  EXPECT_EQ(again.failure, "it stumbled");
  EXPECT_EQ(again.faults[static_cast<std::size_t>(fault::stall)], 1u);
}

TEST(fail_each_test, tries_each_place_once_and_no_two_faults) {
  const exhaustive_report report = fail_each(toy<fragile>("fragile"), 1); // breaks where two have happened
  EXPECT_TRUE(report.passed());
  EXPECT_TRUE(report.is_complete);
  EXPECT_EQ(report.tally.runs, 201u) << "one without any tells how many there are";
  EXPECT_EQ(report.tally.faults[static_cast<std::size_t>(fault::stall)], 100u);
  EXPECT_EQ(report.tally.faults[static_cast<std::size_t>(fault::torn_write)], 100u);
}

TEST(fail_each_test, asks_about_some_kinds_only_and_spreads_few_runs) {
  exhaustive_options options;
  options.run.kinds.reset();
  options.run.kinds.set(static_cast<std::size_t>(fault::stall));
  std::vector<std::string> places;
  options.on_run = [&](const std::string& place) { places.push_back(place); };
  options.runs_max = 6;
  const exhaustive_report report = fail_each(toy<ticking>("ticking"), 1, options);
  EXPECT_EQ(report.places, 100u);
  EXPECT_FALSE(report.is_complete);
  ASSERT_EQ(places.size(), 6u);
  EXPECT_EQ(places[1], "--fail-at 0");
  EXPECT_EQ(places[2], "--fail-at 20");
  EXPECT_EQ(places[5], "--fail-at 80");
}

// --- cancel_each ---

/// Waits ten times; asked to end in the eighth of them it does not.
class forgets_to_clean_up : public hosts_run {
 public:
  explicit forgets_to_clean_up(world& in) : hosts_run(in) {
    add_host("forgetful").start([this](host&) { return take_ten(); });
  }

 private:
  task<> take_ten() {
    for (int i = 0; i < 10; ++i) {
      result<> slept = co_await sleep_for(milliseconds(1));
      if (slept) continue;
      if (i == 7) (void)co_await shield(wait_for_long()); // the others just end
      co_return;
    }
  }
  static task<result<>> wait_for_long() { co_return co_await sleep_for(std::chrono::hours(1)); }
};

TEST(cancel_each_test, finds_the_one_wait_behind_which_a_program_does_not_end) {
  scenario what = toy<forgets_to_clean_up>("forgets_to_clean_up");
  what.liveness_ns = 60'000'000'000; // it may be stalled
  EXPECT_EQ(found_by_seeds(what, 50), 0);
  const exhaustive_report report = cancel_each(what, 1, each_without_faults());
  ASSERT_FALSE(report.passed());
  EXPECT_EQ(report.failed->failure, "asked to end, but: forgetful still runs its program; ");
  EXPECT_GE(report.places, 10u);
  EXPECT_EQ(report.place.find("--cancel-at "), 0u);
}

/// Opens a door and does not close it when it is asked to end before it would.
class leaves_the_door_open : public hosts_run {
 public:
  explicit leaves_the_door_open(world& in) : hosts_run(in) {
    add_host("careless").start([](host&) { return open_and_close(); });
  }

 private:
  static task<> open_and_close() {
    if (result<> slept = co_await sleep_for(milliseconds(1)); !slept) co_return;
    const int door = calls().socket(AF_INET, SOCK_STREAM, 0);
    if (result<> slept = co_await sleep_for(milliseconds(1)); !slept) co_return;
    if (door >= 0) calls().close(door);
  }
};

TEST(cancel_each_test, finds_a_descriptor_that_is_left_open) {
  scenario what = toy<leaves_the_door_open>("leaves_the_door_open");
  what.liveness_ns = 60'000'000'000;
  EXPECT_EQ(found_by_seeds(what, 50), 0);
  const exhaustive_report report = cancel_each(what, 1, each_without_faults());
  ASSERT_FALSE(report.passed());
  EXPECT_EQ(report.failed->failure,
            "all programs have ended when they were asked to, and a descriptor is open still");
}

/// Two at a channel; what they demand of each other is true only of those who may finish.
class talks_to_itself : public hosts_run {
 public:
  explicit talks_to_itself(world& in) : hosts_run(in) {
    add_host("one").start([this](host&) { return count_to(5); });
    add_host("two").start([this](host&) { return count_to(3); });
  }
  void check_end() override { demand(counted_ == 8, "somebody has not counted to the end"); }

 private:
  task<> count_to(int most) {
    for (int i = 0; i < most; ++i) {
      ++counted_;
      (void)co_await sleep_for(milliseconds(1));
    }
    demand(most > 0, "nothing was counted");
  }
  int counted_ = 0;
};

TEST(cancel_each_test, tries_each_suspension_and_holds_nobody_to_what_he_could_not_do) {
  scenario what = toy<talks_to_itself>("talks_to_itself");
  exhaustive_report report = cancel_each(what, 1, each_without_faults());
  EXPECT_TRUE(report.passed()) << report.failed->failure;
  EXPECT_TRUE(report.is_complete);
  EXPECT_EQ(report.tally.runs, report.places + 1);
  EXPECT_GE(report.places, 8u);
}

// --- every_choice ---

/// Breaks for one of 625 combinations of what it draws: seeds need hundreds.
class has_a_combination : public ticking {
 public:
  explicit has_a_combination(world& in) : ticking(in, 1) {
    bool is_open = true;
    for (const std::uint64_t digit : {3u, 1u, 4u, 1u}) is_open &= in.random().below(5) == digit;
    if (is_open) in.accuse("it opened");
  }
};

TEST(every_choice_test, finds_the_one_combination) {
  const scenario what = toy<has_a_combination>("has_a_combination");
  EXPECT_EQ(found_by_seeds(what, 100), 0) << "too easy to show anything";
  const exhaustive_report report = every_choice(what, 1, each_without_faults());
  ASSERT_FALSE(report.passed());
  EXPECT_EQ(report.place, "--way 3,1,4,1");
  EXPECT_EQ(report.failed->failure, "it opened");
  run_options again;
  again.way = std::vector<std::uint64_t>{3, 1, 4, 1};
  again.kinds.reset();
  EXPECT_EQ(run_twice(what, 1, again).failure, "it opened");
}

/// Draws one of three, an end of a wide range, and in one case once more.
class draws_a_little : public ticking {
 public:
  explicit draws_a_little(world& in) : ticking(in, 1) {
    const std::uint64_t first = in.random().below(3);
    const std::uint64_t wide = in.random().fork("another stream").between(1000, 1'000'000);
    const bool last = first == 2 && in.random().chance(1);
    drawn.emplace(first, wide, last);
  }
  static inline std::set<std::tuple<std::uint64_t, std::uint64_t, bool>> drawn;
};

TEST(every_choice_test, comes_to_an_end_when_all_are_tried) {
  draws_a_little::drawn.clear();
  const exhaustive_report report =
      every_choice(toy<draws_a_little>("draws_a_little"), 1, each_without_faults());
  EXPECT_TRUE(report.passed());
  EXPECT_TRUE(report.is_complete);
  EXPECT_EQ(report.places, 3u);
  EXPECT_EQ(report.tally.runs, 3u + 6u + 8u);
  for (const std::uint64_t first : {0u, 1u, 2u})
    for (const std::uint64_t wide : {1000u, 1'000'000u})
      EXPECT_TRUE(draws_a_little::drawn.contains({first, wide, false}));
  EXPECT_TRUE(draws_a_little::drawn.contains({2, 1000, true}));
  EXPECT_TRUE(draws_a_little::drawn.contains({2, 1'000'000, true}));
}

TEST(every_choice_test, tells_how_deep_it_came) {
  exhaustive_options few = each_without_faults();
  few.runs_max = 40;
  const exhaustive_report some = every_choice(toy<has_a_combination>("has_a_combination"), 1, few);
  EXPECT_TRUE(some.passed());
  EXPECT_FALSE(some.is_complete);
  EXPECT_EQ(some.places, 2u) << "5 + 25 runs";
}

/// Has a bug that shows when both faults have happened in the same tick.
class both_at_once : public ticking {
 public:
  explicit both_at_once(world& in) : ticking(in, 3) {}

 private:
  void ticked(world& in) override {
    if (has_stalled && is_torn) in.accuse("both at once");
    has_stalled = is_torn = false;
  }
};

TEST(every_choice_test, makes_the_allowed_faults_happen_in_every_way) {
  exhaustive_options options = each_without_faults();
  options.run.kinds.set(static_cast<std::size_t>(fault::stall));
  EXPECT_TRUE(every_choice(toy<both_at_once>("both_at_once"), 1, options).is_complete);
  options.run.kinds.set(static_cast<std::size_t>(fault::torn_write));
  const exhaustive_report report = every_choice(toy<both_at_once>("both_at_once"), 1, options);
  ASSERT_FALSE(report.passed());
  EXPECT_EQ(report.failed->failure, "both at once");
  EXPECT_LE(report.tally.runs, 6u) << "--way 1,1 is the last of those with two choices";
}

} // namespace
} // namespace weir::sim::test
