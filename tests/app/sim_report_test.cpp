#include <app/sim_report.hpp>
#include <gtest/gtest.h>

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

namespace weir::app {
namespace {

/// Ticks, and breaks at the third fault of a kind that some seeds have.
class breaks_in_time final : public sim::scenario_run, private sim::timed_event {
 public:
  explicit breaks_in_time(sim::world& in)
      : timed_event([](timed_event& self) noexcept { static_cast<breaks_in_time&>(self).tick(); }),
        world_(in) {
    world_.after(1000, *this);
  }
  ~breaks_in_time() override { world_.cancel(*this); }
  bool is_done() const override { return ticks_ == 50; }

 private:
  void tick() noexcept {
    ++ticks_;
    if (world_.faults().happens(sim::fault::stall) && world_.faults().count(sim::fault::stall) == 3)
      world_.accuse("the third <stall> was too many");
    if (!is_done()) world_.after(1000, *this);
  }

  sim::world& world_;
  int ticks_ = 0;
};

const sim::scenario fragile{"fragile", "that reports are readable", sim::begin_run<breaks_in_time>};

sim_outcome outcome_of(std::uint64_t seeds, const sim::run_options& options = sim::run_options()) {
  sim_seeds wanted;
  wanted.count = seeds;
  wanted.options = options;
  return run_seeds(fragile, wanted);
}

bool contains(const std::string& text, std::string_view what) {
  return text.find(what) != std::string::npos;
}

TEST(sim_report_test, seeds_that_pass_are_told_in_three_lines) {
  sim::run_options tame;
  tame.kinds.reset();
  const sim_outcome outcome = outcome_of(5, tame);
  ASSERT_TRUE(outcome.passed());
  const std::string text = sim_text(outcome, false);
  EXPECT_EQ(std::count(text.begin(), text.end(), '\n'), 3) << text;
  EXPECT_TRUE(contains(text, "fragile: passed, 5 of 5 seeds from 1 on"));
  EXPECT_TRUE(contains(text, "trace_hash "));
  EXPECT_TRUE(contains(sim_json(outcome), "\"passed\": true"));
  EXPECT_FALSE(contains(sim_json(outcome), "failure"));
}

TEST(sim_report_test, a_failing_seed_is_told_with_what_makes_it_small) {
  const sim_outcome outcome = outcome_of(1000);
  ASSERT_FALSE(outcome.passed());
  const std::string text = sim_text(outcome, false), seed = std::to_string(outcome.failed->seed);
  EXPECT_TRUE(contains(text, "FAILED")) << text;
  EXPECT_TRUE(contains(text, "seed " + seed + ": the third <stall> was too many"));
  EXPECT_TRUE(
      contains(text, "weir sim fragile --seed " + seed + " --only stall --faults-max 3 --safety-steps "));
  EXPECT_TRUE(contains(text, "fault            #0  stall"));
  EXPECT_EQ(outcome.tally.runs, outcome.failed->seed) << "none is run behind the first that fails";
  const std::string json = sim_json(outcome);
  EXPECT_TRUE(contains(json, "\"passed\": false"));
  EXPECT_TRUE(contains(json, "\"reason\": \"the third <stall> was too many\""));
}

TEST(sim_report_test, colours_are_for_those_who_want_them) {
  const sim_outcome outcome = outcome_of(1);
  EXPECT_FALSE(contains(sim_text(outcome, false), "\x1b"));
  EXPECT_TRUE(contains(sim_text(outcome, true), "\x1b["));
}

TEST(sim_report_test, kinds_that_never_happened_are_marked) {
  sim::fault_plan::counts_type faults{};
  faults[static_cast<std::size_t>(sim::fault::reset)] = 1234;
  const std::string text = sim_coverage_text(faults, false);
  EXPECT_TRUE(contains(text, "reset                            1,234")) << text;
  EXPECT_TRUE(contains(text, "NEVER: latency_spike"));
  EXPECT_FALSE(contains(text.substr(text.find("NEVER")), " reset "));
  faults.fill(1);
  EXPECT_FALSE(contains(sim_coverage_text(faults, false), "NEVER"));
}

} // namespace
} // namespace weir::app
