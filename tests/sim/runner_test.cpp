#include "toy_scenario.hpp"

#include <weir/sim/runner.hpp>

#include <gtest/gtest.h>

#include <cstdint>
#include <string>
#include <vector>

namespace weir::sim::test {
namespace {

std::uint64_t count(const run_report& of, fault kind) {
  return of.faults[static_cast<std::size_t>(kind)];
}

run_options without_faults() {
  run_options none;
  none.kinds.reset();
  return none;
}

TEST(runner_test, a_run_tells_what_came_of_it) {
  const run_report report = run_seed(toy<ticking>("ticking"), 1);
  EXPECT_TRUE(report.passed()) << report.failure;
  EXPECT_EQ(report.seed, 1u);
  EXPECT_EQ(report.steps, 100u);
  EXPECT_GE(report.events, 103u) << "a note a tick, and the phases";
  EXPECT_TRUE(report.last.empty());
  EXPECT_NE(report.trace_hash, run_seed(toy<ticking>("ticking"), 2).trace_hash);
}

TEST(runner_test, a_seed_runs_the_same_twice) {
  EXPECT_TRUE(run_twice(toy<ticking>("ticking"), 3).passed());
  const run_report report = run_twice(toy<careless>("careless"), 3);
  EXPECT_EQ(report.failure.find("the same seed does not run the same twice"), 0u) << report.failure;
}

TEST(runner_test, no_faults_where_none_are_wanted) {
  for (std::uint64_t seed = 0; seed < 20; ++seed) {
    const run_report report = run_seed(toy<fragile>("fragile"), seed, without_faults());
    EXPECT_TRUE(report.passed());
    for (const std::uint64_t each : report.faults) EXPECT_EQ(each, 0u);
  }
}

TEST(runner_test, a_broken_rule_ends_the_run_with_the_last_events) {
  run_report report;
  for (std::uint64_t seed = 0; seed < 200 && report.passed(); ++seed)
    report = run_seed(toy<fragile>("fragile"), seed);
  EXPECT_EQ(report.failure, "it broke");
  EXPECT_GT(count(report, fault::stall), 0u);
  EXPECT_GT(count(report, fault::torn_write), 0u);
  ASSERT_FALSE(report.last.empty());
  EXPECT_EQ(report.last.back().what, event::fault);
}

TEST(runner_test, what_is_never_done_fails_and_says_what_is_missing) {
  const run_report report = run_seed(toy<endless>("endless"), 1);
  EXPECT_EQ(report.failure.find("not done when time was up"), 0u) << report.failure;
  EXPECT_NE(report.failure.find(" ticks"), std::string::npos);
  EXPECT_LE(report.virtual_ns, 1'000'000'000 + 401 * tick_ns);
}

TEST(runner_test, what_spins_comes_to_an_end) {
  scenario spinning = toy<endless>("endless");
  spinning.steps_max = 50;
  const run_report report = run_seed(spinning, 1);
  EXPECT_FALSE(report.passed());
  EXPECT_EQ(report.steps, 50u);
}

TEST(runner_test, an_exception_is_a_failure) {
  const run_report report = run_seed(toy<throwing>("throwing"), 1);
  EXPECT_EQ(report.failure, "an exception came out of it: out of order");
}

TEST(runner_test, the_end_is_checked) {
  EXPECT_EQ(run_seed(toy<dissatisfied>("dissatisfied"), 1).failure, "the sum is wrong");
}

TEST(runner_test, faults_stop_with_the_safety_phase) {
  scenario late = toy<ticking>("late");
  late.safety_ns = 0;
  for (std::uint64_t seed = 0; seed < 20; ++seed) EXPECT_EQ(count(run_seed(late, seed), fault::stall), 0u);
}

TEST(runner_test, all_events_are_stored_for_a_timeline) {
  std::vector<trace_record> all;
  run_options options;
  options.all_events = &all;
  const run_report report = run_seed(toy<ticking>("ticking"), 1, options);
  ASSERT_EQ(all.size(), report.events);
  EXPECT_EQ(all.front().what, event::phase);
  EXPECT_EQ(all.back().what, event::phase);
}

TEST(run_tally_test, adds_up_and_depends_on_every_run_and_their_order) {
  const run_report one = run_seed(toy<ticking>("ticking"), 1);
  const run_report two = run_seed(toy<ticking>("ticking"), 2);
  run_tally alone, both, reversed;
  alone.add(one);
  both.add(one);
  both.add(two);
  reversed.add(two);
  reversed.add(one);
  EXPECT_EQ(alone.trace_hash, one.trace_hash);
  EXPECT_EQ(both.runs, 2u);
  EXPECT_EQ(both.steps, one.steps + two.steps);
  EXPECT_EQ(both.events, one.events + two.events);
  EXPECT_NE(both.trace_hash, reversed.trace_hash);
  EXPECT_NE(both.trace_hash, alone.trace_hash);
}

} // namespace
} // namespace weir::sim::test
