#include <weir/io/inbox.hpp>

#include <gtest/gtest.h>

#include <array>
#include <atomic>
#include <deque>
#include <thread>
#include <vector>

namespace weir {
namespace {

struct letter : work {
  letter(unsigned sender, unsigned number) noexcept
      : work([](work&) noexcept {}), from(sender), sequence(number) {}
  unsigned from;
  unsigned sequence;
};

TEST(inbox, gives_everything_oldest_first) {
  inbox posted(8);
  EXPECT_TRUE(posted.empty());
  std::deque<letter> letters;
  for (unsigned sequence = 0; sequence < 5; ++sequence)
    ASSERT_TRUE(posted.push(letters.emplace_back(0u, sequence)));
  EXPECT_FALSE(posted.empty());
  work_queue taken = posted.take_all();
  EXPECT_TRUE(posted.empty());
  for (unsigned sequence = 0; sequence < 5; ++sequence)
    EXPECT_EQ(static_cast<letter*>(taken.pop_front())->sequence, sequence);
  EXPECT_TRUE(taken.empty());
  EXPECT_TRUE(posted.take_all().empty());
}

TEST(inbox, refuses_at_the_bound_and_has_room_again_when_emptied) {
  inbox posted(2);
  letter first(0, 0), second(0, 1), one_too_many(0, 2);
  for (int round = 0; round < 3; ++round) {
    EXPECT_TRUE(posted.push(first));
    EXPECT_TRUE(posted.push(second));
    EXPECT_FALSE(posted.push(one_too_many));
    work_queue taken = posted.take_all();
    EXPECT_EQ(taken.pop_front(), &first);
    EXPECT_EQ(taken.pop_front(), &second);
    EXPECT_EQ(taken.pop_front(), nullptr) << "what was refused is not queued";
  }
}

TEST(inbox, of_capacity_nothing_refuses_everything) {
  inbox posted(0);
  letter any(0, 0);
  EXPECT_FALSE(posted.push(any));
  EXPECT_TRUE(posted.empty());
}

TEST(inbox, an_answer_passes_the_bound_and_takes_its_place) {
  inbox posted(1);
  letter first(0, 0), answer(1, 0), refused(0, 1);
  EXPECT_TRUE(posted.push(first));
  posted.push_answer(answer);
  EXPECT_FALSE(posted.push(refused));
  work_queue taken = posted.take_all();
  EXPECT_EQ(taken.pop_front(), &first);
  EXPECT_EQ(taken.pop_front(), &answer);
  posted.push_answer(answer);
  EXPECT_FALSE(posted.push(refused)) << "it counts";
  EXPECT_EQ(posted.take_all().pop_front(), &answer);
  EXPECT_TRUE(posted.push(refused));
  EXPECT_EQ(posted.take_all().pop_front(), &refused);
}

/// Four producers against a small bound: nothing lost, nothing doubled, each producer's order kept.
TEST(inbox, keeps_the_order_of_each_of_many_producers) {
  constexpr unsigned producers = 4;
  constexpr unsigned letters_each = 5'000;
  inbox posted(64);
  std::vector<std::deque<letter>> letters(producers);
  for (unsigned from = 0; from < producers; ++from)
    for (unsigned sequence = 0; sequence < letters_each; ++sequence)
      letters[from].emplace_back(from, sequence);

  std::vector<std::jthread> threads;
  for (unsigned from = 0; from < producers; ++from)
    threads.emplace_back([&posted, &own = letters[from]] {
      for (letter& each : own)
        while (!posted.push(each)) std::this_thread::yield();
    });

  std::array<unsigned, producers> expected{};
  for (unsigned taken = 0; taken < producers * letters_each;) {
    work_queue batch = posted.take_all();
    if (batch.empty()) std::this_thread::yield();
    unsigned in_batch = 0;
    while (work* item = batch.pop_front()) {
      const auto& arrived = static_cast<letter&>(*item);
      ASSERT_EQ(arrived.sequence, expected[arrived.from]++);
      ++in_batch;
    }
    ASSERT_LE(in_batch, 64u) << "the bound holds";
    taken += in_batch;
  }
  threads.clear();
  EXPECT_TRUE(posted.empty());
}

} // namespace
} // namespace weir
