#include <weir/sim/event_queue.hpp>
#include <weir/sim/random.hpp>

#include <gtest/gtest.h>

#include <algorithm>
#include <deque>
#include <utility>
#include <vector>

namespace weir::sim {
namespace {

struct numbered_event : timed_event {
  explicit numbered_event(int is = 0) : timed_event([](timed_event&) noexcept {}), number(is) {}
  int number;
  std::uint64_t at_ns = 0;
  std::uint64_t order = 0;
};

TEST(event_queue_test, gives_events_by_time_and_those_of_one_time_in_their_order) {
  event_queue queue;
  numbered_event late(1), early(2), same(3);
  queue.schedule(late, 20);
  queue.schedule(early, 10);
  queue.schedule(same, 20);
  EXPECT_EQ(queue.next_ns(), 10u);
  EXPECT_EQ(&queue.pop(), &early);
  EXPECT_EQ(&queue.pop(), &late);
  EXPECT_EQ(&queue.pop(), &same);
  EXPECT_TRUE(queue.empty());
  EXPECT_EQ(queue.next_ns(), event_queue::never_ns);
}

TEST(event_queue_test, an_event_that_is_scheduled_anew_happens_once_at_its_new_time) {
  event_queue queue;
  numbered_event moved(1), stays(2);
  queue.schedule(moved, 10);
  queue.schedule(stays, 10);
  queue.schedule(moved, 10); // behind the other now
  EXPECT_EQ(queue.size(), 2u);
  EXPECT_EQ(&queue.pop(), &stays);
  EXPECT_EQ(&queue.pop(), &moved);
}

TEST(event_queue_test, a_cancelled_event_does_not_happen) {
  event_queue queue;
  numbered_event never(1), stays(2);
  queue.cancel(never);
  queue.schedule(never, 1);
  queue.schedule(stays, 2);
  queue.cancel(never);
  EXPECT_FALSE(never.is_scheduled());
  EXPECT_EQ(&queue.pop(), &stays);
}

/// Against a list that is sorted anew for each event.
TEST(event_queue_test, keeps_the_order_of_a_sorted_list_through_thousands_of_changes) {
  random_source random(7);
  std::deque<numbered_event> events;
  for (int number = 0; number < 300; ++number) events.emplace_back(number);
  std::vector<numbered_event*> scheduled;
  event_queue queue;
  std::uint64_t order = 0;
  for (int step = 0; step < 20'000; ++step) {
    numbered_event& which = events[random.below(events.size())];
    const std::uint64_t what = random.below(4);
    if (what < 2) {
      if (!which.is_scheduled()) scheduled.push_back(&which);
      which.at_ns = random.below(50);
      which.order = order++;
      queue.schedule(which, which.at_ns);
    } else if (what == 2) {
      std::erase(scheduled, &which);
      queue.cancel(which);
    } else if (!scheduled.empty()) {
      const auto first = std::ranges::min_element(
          scheduled, {}, [](const numbered_event* each) { return std::pair(each->at_ns, each->order); });
      ASSERT_EQ(queue.next_ns(), (*first)->at_ns);
      ASSERT_EQ(&queue.pop(), *first);
      scheduled.erase(first);
    }
    ASSERT_EQ(queue.size(), scheduled.size());
  }
}

} // namespace
} // namespace weir::sim
