#include <weir/sim/choices.hpp>

#include <gtest/gtest.h>

#include <cstdint>
#include <set>
#include <utility>
#include <vector>

namespace weir::sim::test {
namespace {

TEST(choices_test, every_combination_comes_once) {
  std::set<std::pair<std::uint64_t, bool>> seen;
  choices all;
  while (all.next()) {
    const std::uint64_t number = all.between(3, 6);
    const bool is_odd = all.either();
    EXPECT_TRUE(seen.emplace(number, is_odd).second) << "twice: " << number;
  }
  EXPECT_EQ(seen.size(), 8u);
}

TEST(choices_test, questions_may_depend_on_answers) {
  std::set<std::vector<std::uint64_t>> seen;
  for (choices all; all.next();) {
    std::vector<std::uint64_t> digits(all.below(4));
    for (std::uint64_t& each : digits) each = all.below(2);
    EXPECT_TRUE(seen.insert(digits).second);
  }
  EXPECT_EQ(seen.size(), 1u + 2u + 4u + 8u);
}

TEST(choices_test, all_orders_of_a_list) {
  std::set<std::vector<int>> seen;
  for (choices all; all.next();) {
    std::vector<int> order{1, 2, 3, 4};
    all.shuffle(order);
    EXPECT_TRUE(seen.insert(order).second);
  }
  EXPECT_EQ(seen.size(), 24u);
}

TEST(choices_test, without_questions_there_is_one_run) {
  choices all;
  int runs = 0;
  while (all.next()) ++runs;
  EXPECT_EQ(runs, 1);
  for (choices trivial; trivial.next(); ++runs) {
    EXPECT_EQ(trivial.below(0), 0u);
    EXPECT_EQ(trivial.below(1), 0u);
    EXPECT_EQ(trivial.between(7, 7), 7u);
  }
  EXPECT_EQ(runs, 2);
}

} // namespace
} // namespace weir::sim::test
