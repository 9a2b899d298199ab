#include <weir/sim/random.hpp>

#include <gtest/gtest.h>

#include <array>
#include <cstdint>
#include <set>

namespace weir::sim {
namespace {

// The numbers are the point: another compiler, optimisation or library must draw the same.
TEST(random_source_test, draws_the_same_everywhere) {
  random_source random(42);
  EXPECT_EQ(random.bits(), 0x15780b2e0c2ec716u);
  EXPECT_EQ(random.below(1000), 378u);
  EXPECT_EQ(random.between(10, 20), 17u);
  EXPECT_EQ(random.fork("network").bits(), 3161775939122700641u);
  EXPECT_EQ(random.fork(7).bits(), 511687822027273263u);
}

TEST(random_source_test, is_uniform_below_a_bound) {
  random_source random(1);
  std::array<int, 10> seen{};
  for (int i = 0; i < 100'000; ++i) ++seen[random.below(seen.size())];
  for (const int count : seen) EXPECT_NEAR(count, 10'000, 400);
}

TEST(random_source_test, stays_within_its_bounds) {
  random_source random(2);
  EXPECT_EQ(random.below(0), 0u);
  EXPECT_EQ(random.below(1), 0u);
  EXPECT_EQ(random.between(5, 5), 5u);
  random.between(0, ~std::uint64_t{0}); // the whole range has no count of its own
  std::set<std::uint64_t> seen;
  for (int i = 0; i < 1000; ++i) seen.insert(random.between(3, 6));
  EXPECT_EQ(seen, (std::set<std::uint64_t>{3, 4, 5, 6}));
  const std::uint64_t large = (std::uint64_t{1} << 63) + 1; // nearly half of all draws are drawn again
  for (int i = 0; i < 1000; ++i) ASSERT_LT(random.below(large), large);
}

TEST(random_source_test, what_is_certain_draws_nothing) {
  random_source drawing(3), untouched(3);
  EXPECT_FALSE(drawing.chance(0));
  EXPECT_TRUE(drawing.chance(1'000'000));
  EXPECT_EQ(drawing.bits(), untouched.bits());
}

TEST(random_source_test, chance_comes_as_often_as_it_says) {
  random_source random(4);
  int happened = 0;
  for (int i = 0; i < 100'000; ++i) happened += random.chance(250'000) ? 1 : 0;
  EXPECT_NEAR(happened, 25'000, 600);
}

TEST(random_source_test, forks_depend_on_the_seed_and_their_name_only) {
  random_source one(5), other(5);
  one.bits(); // does not shift the forks
  EXPECT_EQ(one.fork("disk").bits(), other.fork("disk").bits());
  EXPECT_NE(one.fork("disk").bits(), one.fork("clock").bits());
  EXPECT_NE(one.fork("disk").bits(), random_source(6).fork("disk").bits());
  EXPECT_NE(one.fork(1).bits(), one.fork(2).bits());
  EXPECT_NE(one.fork("").bits(), random_source(5).bits());
}

} // namespace
} // namespace weir::sim
