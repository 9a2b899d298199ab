#include "toy_scenario.hpp"

#include <weir/sim/shrink.hpp>

#include <gtest/gtest.h>

#include <cstdint>

namespace weir::sim::test {
namespace {

run_report first_failure(const scenario& what) {
  run_report report;
  for (std::uint64_t seed = 0; seed < 500 && report.passed(); ++seed) report = run_seed(what, seed);
  return report;
}

TEST(shrink_test, leaves_what_the_failure_needs) {
  const scenario what = toy<fragile>("fragile");
  const run_report failed = first_failure(what);
  ASSERT_FALSE(failed.passed());
  const shrunk_run small = shrink(what, failed);
  EXPECT_EQ(small.report.failure, "it broke");
  EXPECT_EQ(small.report.seed, failed.seed);
  EXPECT_TRUE(small.options.kinds.test(static_cast<std::size_t>(fault::stall)));
  EXPECT_TRUE(small.options.kinds.test(static_cast<std::size_t>(fault::torn_write)));
  EXPECT_EQ(small.options.kinds.count(), 2u);
  EXPECT_LE(small.options.safety_steps_max, failed.steps);
  EXPECT_LE(small.runs, 200u);
}

TEST(shrink_test, what_it_found_can_be_run_again) {
  const scenario what = toy<fragile>("fragile");
  const shrunk_run small = shrink(what, first_failure(what));
  const run_report again = run_seed(what, small.report.seed, small.options);
  EXPECT_EQ(again.failure, small.report.failure);
  EXPECT_EQ(again.trace_hash, small.report.trace_hash);
}

TEST(shrink_test, a_failure_that_needs_no_fault_is_left_without_any) {
  const scenario what = toy<dissatisfied>("dissatisfied");
  const shrunk_run small = shrink(what, run_seed(what, 1));
  EXPECT_TRUE(small.options.kinds.none());
  EXPECT_EQ(small.options.safety_steps_max, 0u);
  for (const std::uint64_t each : small.report.faults) EXPECT_EQ(each, 0u);
}

TEST(shrink_test, runs_no_more_often_than_it_may) {
  const scenario what = toy<fragile>("fragile");
  const run_report failed = first_failure(what);
  EXPECT_EQ(shrink(what, failed, 3).runs, 3u);
  EXPECT_FALSE(shrink(what, failed, 0).report.passed());
}

} // namespace
} // namespace weir::sim::test
