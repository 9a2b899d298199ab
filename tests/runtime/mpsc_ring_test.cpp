// The queue below channels between loops: order, bound, end, and many producers at once.
#include <weir/runtime/mpsc_ring.hpp>

#include <gtest/gtest.h>

#include <array>
#include <memory>
#include <thread>
#include <vector>

namespace weir::test {
namespace {

push_outcome push_number(mpsc_ring<int>& into, int value) {
  return into.push(value);
}

TEST(mpsc_ring_test, gives_values_in_their_order_round_and_round) {
  mpsc_ring<int> ring(4);
  for (int round = 0; round < 10; ++round) {
    for (int i = 0; i < 3; ++i) EXPECT_EQ(push_number(ring, i), push_outcome::pushed);
    EXPECT_EQ(ring.size(), 3u);
    for (int i = 0; i < 3; ++i) EXPECT_EQ(ring.pop(), i);
    EXPECT_EQ(ring.pop(), std::nullopt);
  }
}

TEST(mpsc_ring_test, is_full_at_its_capacity_and_leaves_the_value) {
  mpsc_ring<std::unique_ptr<int>> ring(3); // rounded up
  EXPECT_EQ(ring.capacity(), 4u);
  for (int i = 0; i < 4; ++i) {
    auto value = std::make_unique<int>(i);
    EXPECT_EQ(ring.push(value), push_outcome::pushed);
  }
  auto fifth = std::make_unique<int>(5);
  EXPECT_EQ(ring.push(fifth), push_outcome::full);
  ASSERT_TRUE(fifth);
  EXPECT_EQ(**ring.pop(), 0);
  EXPECT_EQ(ring.push(fifth), push_outcome::pushed);
  EXPECT_FALSE(fifth);
}

TEST(mpsc_ring_test, of_one_holds_two) {
  mpsc_ring<int> ring(1);
  EXPECT_EQ(push_number(ring, 1), push_outcome::pushed);
  EXPECT_EQ(push_number(ring, 2), push_outcome::pushed);
  EXPECT_EQ(push_number(ring, 3), push_outcome::full);
  EXPECT_EQ(ring.pop(), 1);
}

TEST(mpsc_ring_test, closed_takes_nothing_and_gives_what_is_inside) {
  mpsc_ring<int> ring(4);
  EXPECT_EQ(push_number(ring, 1), push_outcome::pushed);
  ring.close();
  EXPECT_EQ(push_number(ring, 2), push_outcome::closed);
  EXPECT_FALSE(ring.has_ended());
  EXPECT_EQ(ring.pop(), 1);
  EXPECT_TRUE(ring.has_ended());
}

TEST(mpsc_ring_test, of_many_producers_loses_and_doubles_nothing_and_keeps_the_order_of_each) {
  constexpr int producers = 3;
  constexpr int each = 4'000;
  mpsc_ring<int> ring(64);
  std::vector<std::thread> threads;
  for (int id = 0; id < producers; ++id)
    threads.emplace_back([&ring, id] {
      for (int i = 0; i < each; ++i)
        while (push_number(ring, id * each + i) != push_outcome::pushed) std::this_thread::yield();
    });
  std::array<int, producers> next{};
  for (int taken = 0; taken < producers * each;) {
    const std::optional<int> value = ring.pop();
    if (!value) {
      std::this_thread::yield();
      continue;
    }
    const auto from = static_cast<std::size_t>(*value / each);
    ASSERT_EQ(*value % each, next[from]++);
    ++taken;
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(ring.pop(), std::nullopt);
}

TEST(mpsc_ring_test, whoever_was_told_that_it_is_in_is_right_though_it_is_closed_meanwhile) {
  for (int round = 0; round < 40; ++round) {
    mpsc_ring<int> ring(256);
    int pushed = 0;
    std::thread producer([&] {
      for (int i = 0; i < 200 && push_number(ring, i) == push_outcome::pushed; ++i) ++pushed;
    });
    std::thread closer([&] { ring.close(); });
    int taken = 0;
    while (!ring.has_ended()) {
      if (ring.pop())
        ++taken;
      else
        std::this_thread::yield();
    }
    producer.join();
    closer.join();
    ASSERT_EQ(taken, pushed);
  }
}

} // namespace
} // namespace weir::test
