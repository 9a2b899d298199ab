// Every scenario with some seeds. Many more are tools/simulate's to run.
#include <weir/sim/exhaustive.hpp>
#include <weir/sim/runner.hpp>

#include <gtest/gtest.h>
#include <scenarios/scenarios.hpp>

#include <cctype>
#include <set>
#include <string>
#include <string_view>

namespace weir::scenarios {
namespace {

class every_scenario : public testing::TestWithParam<const sim::scenario*> {};

TEST_P(every_scenario, holds_for_some_seeds) {
  for (std::uint64_t seed = 1; seed <= 20; ++seed) {
    const sim::run_report report = sim::run_seed(*GetParam(), seed);
    ASSERT_TRUE(report.passed()) << "seed " << seed << ": " << report.failure;
  }
}

TEST_P(every_scenario, runs_the_same_twice) {
  for (std::uint64_t seed = 1; seed <= 3; ++seed) {
    const sim::run_report report = sim::run_twice(*GetParam(), seed);
    ASSERT_TRUE(report.passed()) << "seed " << seed << ": " << report.failure;
  }
}

TEST_P(every_scenario, needs_no_fault_to_end) {
  sim::run_options without_faults;
  without_faults.kinds.reset();
  const sim::run_report report = sim::run_seed(*GetParam(), 1, without_faults);
  EXPECT_TRUE(report.passed()) << report.failure;
  for (const std::uint64_t each : report.faults) EXPECT_EQ(each, 0u);
}

TEST_P(every_scenario, ends_wherever_it_is_asked_to_and_leaves_nothing) {
  sim::exhaustive_options spread;
  spread.run.kinds.reset();
  spread.runs_max = 40;
  const sim::exhaustive_report report = sim::cancel_each(*GetParam(), 1, spread);
  EXPECT_TRUE(report.passed()) << report.place << ": " << report.failed->failure;
}

INSTANTIATE_TEST_SUITE_P(simulated, every_scenario, testing::ValuesIn(all().begin(), all().end()),
                         [](const auto& of) { return std::string(of.param->name); });

TEST(scenarios_test, names_are_unique_words_that_find_their_scenario) {
  std::set<std::string_view> names;
  for (const sim::scenario* each : all()) {
    EXPECT_TRUE(names.insert(each->name).second) << each->name;
    EXPECT_EQ(find(each->name), each);
    EXPECT_FALSE(each->checks.empty());
    for (const char letter : each->name) EXPECT_TRUE(std::islower(letter) || letter == '_') << each->name;
  }
  EXPECT_EQ(find("no_such"), nullptr);
}

} // namespace
} // namespace weir::scenarios
