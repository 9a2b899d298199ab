#include <weir/async/retry_budget.hpp>

#include <gtest/gtest.h>

namespace weir {
namespace {

TEST(retry_budget, starts_with_its_reserve) {
  retry_budget budget(20, 3);
  EXPECT_EQ(budget.retries_left(), 3u);
  for (int i = 0; i < 3; ++i) EXPECT_TRUE(budget.try_withdraw());
  EXPECT_FALSE(budget.try_withdraw());
  EXPECT_EQ(budget.refused(), 1u);
}

TEST(retry_budget, allows_no_more_than_its_share_of_the_first_attempts) {
  retry_budget budget(20, 5);
  int retries = 0;
  for (int first_attempts = 0; first_attempts < 1000; ++first_attempts) {
    budget.deposit();
    for (int i = 0; i < 3; ++i) retries += budget.try_withdraw(); // everything fails
  }
  EXPECT_EQ(retries, 1000 / 5 + 5 - 1) << "the first deposit finds it full";
}

TEST(retry_budget, saves_up_no_more_than_its_reserve) {
  retry_budget budget(50, 2);
  for (int i = 0; i < 1000; ++i) budget.deposit();
  EXPECT_EQ(budget.retries_left(), 2u);
}

} // namespace
} // namespace weir
