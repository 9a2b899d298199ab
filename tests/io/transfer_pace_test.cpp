#include <weir/io/transfer_pace.hpp>

#include <gtest/gtest.h>

namespace weir {
namespace {

/// Stages until it is time to submit; how many that were.
unsigned stage(transfer_pace& pace) {
  unsigned staged = 1;
  while (!pace.staged()) ++staged;
  return staged;
}

unsigned stage_and_submit(transfer_pace& pace, bool is_answered) {
  const unsigned staged = stage(pace);
  pace.submitted(is_answered ? staged : staged - 1);
  return staged;
}

TEST(transfer_pace, shows_a_disk_few_at_once) {
  transfer_pace pace;
  for (int i = 0; i < 3; ++i) EXPECT_EQ(stage_and_submit(pace, false), transfer_pace::least);
}

TEST(transfer_pace, shows_a_cache_more_and_more_up_to_a_bound) {
  transfer_pace pace;
  EXPECT_EQ(stage_and_submit(pace, true), transfer_pace::least);
  EXPECT_EQ(stage_and_submit(pace, true), 2 * transfer_pace::least);
  for (int i = 0; i < 5; ++i) stage_and_submit(pace, true);
  EXPECT_EQ(stage_and_submit(pace, true), transfer_pace::most);
}

TEST(transfer_pace, one_answer_that_does_not_come_at_once_makes_it_a_disk) {
  transfer_pace pace;
  for (int i = 0; i < 5; ++i) stage_and_submit(pace, true);
  EXPECT_EQ(stage_and_submit(pace, false), transfer_pace::most);
  EXPECT_EQ(stage(pace), transfer_pace::least);
}

TEST(transfer_pace, learns_though_a_turn_has_fewer_than_it_waits_for) {
  transfer_pace pace;
  for (int i = 0; i < 5; ++i) stage_and_submit(pace, true);
  pace.turn_ends();
  for (unsigned each = transfer_pace::most; each > transfer_pace::least; each /= 2) {
    for (unsigned i = 0; i < transfer_pace::least; ++i) EXPECT_FALSE(pace.staged());
    pace.turn_ends();
  }
  EXPECT_EQ(stage(pace), transfer_pace::least);
}

TEST(transfer_pace, turns_without_transfers_teach_nothing) {
  transfer_pace pace;
  for (int i = 0; i < 5; ++i) stage_and_submit(pace, true);
  for (int turns = 0; turns < 5; ++turns) pace.turn_ends();
  EXPECT_EQ(stage(pace), transfer_pace::most);
}

} // namespace
} // namespace weir
