#include "runtime/worker_restarts.hpp"

#include <gtest/gtest.h>

#include <chrono>
#include <cstdint>

namespace weir::test {
namespace {

using namespace std::chrono_literals;

constexpr std::uint64_t second_ns = 1'000'000'000;

master_options three_workers() {
  master_options options;
  options.workers = 3;
  options.restart_delay = 100ms;
  options.restart_delay_max = 1000ms;
  options.young = 10s;
  options.restarts_max = 5;
  options.restarts_within = 60s;
  return options;
}

TEST(worker_restarts, the_first_replacement_does_not_wait) {
  worker_restarts restarts(three_workers());
  EXPECT_EQ(restarts.after_failure(0, 0, second_ns, 12345), 0ns);
  EXPECT_EQ(restarts.after_failure(1, 0, second_ns, 12345), 0ns) << "each worker by itself";
}

TEST(worker_restarts, those_that_fail_young_wait_up_to_a_ceiling_that_doubles) {
  master_options options = three_workers();
  options.restarts_max = 100;
  worker_restarts restarts(options);
  restarts.after_failure(0, 0, 0, 0);
  for (const auto ceiling : {100ms, 200ms, 400ms, 800ms, 1000ms, 1000ms}) {
    const auto ceiling_ns = static_cast<std::uint64_t>(std::chrono::nanoseconds(ceiling).count());
    EXPECT_EQ(restarts.after_failure(0, 0, 0, ceiling_ns), ceiling);
  }
}

TEST(worker_restarts, one_that_lived_for_long_is_replaced_at_once_again) {
  worker_restarts restarts(three_workers());
  restarts.after_failure(0, 0, second_ns, 0);
  EXPECT_GT(restarts.after_failure(0, second_ns, 2 * second_ns, 99), 0ns);
  EXPECT_EQ(restarts.after_failure(0, 2 * second_ns, 30 * second_ns, 99), 0ns);
}

TEST(worker_restarts, too_many_within_the_window_are_the_end) {
  worker_restarts restarts(three_workers());
  for (unsigned i = 0; i < 5; ++i) EXPECT_TRUE(restarts.after_failure(i % 3, 0, i * second_ns, 0));
  EXPECT_FALSE(restarts.after_failure(0, 0, 59 * second_ns, 0));
  EXPECT_TRUE(restarts.after_failure(0, 0, 60 * second_ns, 0)) << "the first one is forgotten";
}

} // namespace
} // namespace weir::test
