#include <weir/sim/fault_plan.hpp>

#include <gtest/gtest.h>

#include <cstddef>
#include <cstdint>
#include <set>
#include <string_view>
#include <vector>

namespace weir::sim {
namespace {

constexpr fault kind_at(std::size_t index) {
  return static_cast<fault>(index);
}

TEST(fault_test, every_kind_has_a_name_and_a_likelihood) {
  std::set<std::string_view> names;
  for (std::size_t i = 0; i < fault_count; ++i) {
    names.insert(name_of(kind_at(i)));
    EXPECT_GT(per_million_max(kind_at(i)), 0u);
    EXPECT_LE(per_million_max(kind_at(i)), 1'000'000u);
  }
  EXPECT_EQ(names.size(), fault_count);
  EXPECT_EQ(names.count(""), 0u);
}

TEST(fault_plan_test, seeds_leave_out_half_of_all_kinds) {
  constexpr std::uint64_t seeds = 400;
  for (std::size_t i = 0; i < fault_count; ++i) {
    int off = 0;
    std::set<std::uint32_t> magnitudes;
    for (std::uint64_t seed = 0; seed < seeds; ++seed) {
      trace log;
      const fault_plan plan(random_source(seed), log);
      const std::uint32_t drawn = plan.per_million(kind_at(i));
      off += drawn == 0 ? 1 : 0;
      magnitudes.insert(drawn);
      EXPECT_LE(drawn, per_million_max(kind_at(i)));
    }
    EXPECT_NEAR(off, seeds / 2, 50) << name_of(kind_at(i));
    EXPECT_EQ(magnitudes.size(), 5u) << name_of(kind_at(i));
  }
}

TEST(fault_plan_test, what_happens_is_counted_and_traced) {
  trace log;
  fault_plan plan(random_source(1), log);
  plan.set(fault::reset, 1'000'000);
  plan.set(fault::stall, 0);
  EXPECT_TRUE(plan.happens(fault::reset, 2, 9));
  EXPECT_TRUE(plan.happens(fault::reset));
  EXPECT_FALSE(plan.happens(fault::stall));
  EXPECT_EQ(plan.count(fault::reset), 2u);
  EXPECT_EQ(plan.count(fault::stall), 0u);
  EXPECT_EQ(plan.events(), 2u);
  ASSERT_EQ(log.events(), 2u);
  const trace_record first = log.last().front();
  EXPECT_EQ(first, (trace_record{0, 9, static_cast<std::uint64_t>(fault::reset), 0, 2, event::fault}));
}

TEST(fault_plan_test, nothing_happens_once_it_is_stopped) {
  trace log;
  fault_plan plan(random_source(1), log);
  for (std::size_t i = 0; i < fault_count; ++i) plan.set(kind_at(i), 1'000'000);
  plan.stop();
  for (std::size_t i = 0; i < fault_count; ++i) EXPECT_FALSE(plan.happens(kind_at(i)));
  EXPECT_TRUE(plan.is_stopped());
  EXPECT_EQ(log.events(), 0u);
}

TEST(fault_plan_test, the_number_of_events_has_a_bound_for_those_who_shrink) {
  trace log;
  fault_plan plan(random_source(1), log);
  plan.set(fault::reset, 1'000'000);
  plan.events_max(3);
  int happened = 0;
  for (int i = 0; i < 10; ++i) happened += plan.happens(fault::reset) ? 1 : 0;
  EXPECT_EQ(happened, 3);
}

TEST(fault_plan_test, taking_kinds_away_does_not_change_when_the_others_come) {
  trace log;
  fault_plan whole(random_source(7), log), part(random_source(7), log);
  for (fault_plan* plan : {&whole, &part}) {
    plan->set(fault::reset, 300'000);
    plan->set(fault::partial_send, 300'000);
  }
  fault_set kept;
  kept.set(static_cast<std::size_t>(fault::partial_send));
  part.limit_to(kept);
  for (int i = 0; i < 1000; ++i) {
    if (whole.happens(fault::reset)) whole.amounts(fault::reset).bits();
    EXPECT_FALSE(part.happens(fault::reset));
    ASSERT_EQ(whole.happens(fault::partial_send), part.happens(fault::partial_send));
  }
  EXPECT_GT(whole.count(fault::reset), 0u);
  EXPECT_GT(part.count(fault::partial_send), 0u);
}

TEST(fault_plan_test, of_all_questions_only_one_is_answered_by_yes) {
  trace log;
  fault_plan plan(random_source(1), log);
  plan.set(fault::stall, 1'000'000);
  fault_set tried;
  tried.set(static_cast<std::size_t>(fault::reset));
  tried.set(static_cast<std::size_t>(fault::no_memory));
  plan.only_at(3, tried);
  std::vector<int> happened;
  for (int i = 0; i < 6; ++i) {
    if (plan.happens(i % 2 == 0 ? fault::reset : fault::no_memory)) happened.push_back(i);
    EXPECT_FALSE(plan.happens(fault::stall));
  }
  EXPECT_EQ(happened, std::vector<int>{3});
  EXPECT_EQ(plan.questions(), 6u);
}

} // namespace
} // namespace weir::sim
