// The queue in one array: order, growth, and what is dropped many at a time.
#include <weir/base/ring.hpp>

#include <gtest/gtest.h>

#include <memory>

namespace weir {
namespace {

TEST(ring, keeps_the_order_while_it_grows_and_wraps) {
  ring<int> numbers;
  int next_in = 0;
  int next_out = 0;
  for (int round = 0; round < 100; ++round) {
    for (int i = 0; i < 7; ++i) numbers.push_back(next_in++);
    for (int i = 0; i < 5; ++i) EXPECT_EQ(numbers.pop_front(), next_out++);
  }
  EXPECT_EQ(numbers.size(), 200u);
  EXPECT_EQ(numbers.front(), next_out);
  EXPECT_EQ(numbers.back(), next_in - 1);
  EXPECT_EQ(numbers.pop_back(), next_in - 1);
  numbers.push_front(-1);
  EXPECT_EQ(numbers[0], -1);
  EXPECT_EQ(numbers[1], next_out);
}

TEST(ring, pushed_in_place_stays_what_it_is) {
  ring<int> numbers;
  numbers.reserve(4);
  const std::size_t capacity = numbers.capacity();
  for (int i = 0; numbers.size() < capacity; ++i) numbers.push_back_in_place(int{i});
  EXPECT_EQ(numbers.capacity(), capacity);
  EXPECT_EQ(numbers.back(), static_cast<int>(capacity) - 1);
}

TEST(ring, drops_the_oldest_across_the_end_of_its_array) {
  const auto counted = std::make_shared<int>(0);
  ring<std::shared_ptr<int>> owners;
  for (int i = 0; i < 6; ++i) owners.push_back(std::shared_ptr<int>(counted));
  owners.drop_front(5);
  for (int i = 0; i < 6; ++i) owners.push_back(std::make_shared<int>(i));
  EXPECT_EQ(counted.use_count(), 2);
  owners.drop_front(0);
  owners.drop_front(4);
  EXPECT_EQ(counted.use_count(), 1) << "what is dropped is destroyed";
  ASSERT_EQ(owners.size(), 3u);
  EXPECT_EQ(*owners.front(), 3);
  owners.drop_front(3);
  EXPECT_TRUE(owners.empty());
}

} // namespace
} // namespace weir
