// Seeds that have found something, each with what it was.
#include <weir/sim/runner.hpp>

#include <gtest/gtest.h>
#include <scenarios/scenarios.hpp>

#include <cstdint>

namespace weir::scenarios {
namespace {

void expect_to_pass(const sim::scenario& what, std::uint64_t seed) {
  const sim::run_report report = sim::run_seed(what, seed);
  EXPECT_TRUE(report.passed()) << what.name << ", seed " << seed << ": " << report.failure;
}

/// A peer vanished while so much was unsent that no PING had room: nobody waited for an answer, and the
/// connection stood until TCP gave it up.
TEST(kept_seeds, a_peer_that_vanishes_behind_a_full_queue) {
  expect_to_pass(requeue, 39);
}

} // namespace
} // namespace weir::scenarios
