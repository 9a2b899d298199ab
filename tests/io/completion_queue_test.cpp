#include <weir/base/buffer_pool.hpp>
#include <weir/io/completion_queue.hpp>

#include <gtest/gtest.h>

#include <deque>
#include <string>

namespace weir {
namespace {

nop_operation make_nop(lane in_lane) {
  return nop_operation([](operation&, completion&&) noexcept {}, in_lane);
}

/// Partial completions leave the operation as it is, so that any number of them can be queued.
void push_partial(completion_queue& into, operation& op, int number) {
  into.push(op, completion(number, true));
}

char letter_of(lane which) {
  return which == lane::urgent ? 'U' : which == lane::normal ? 'n' : 'b';
}

std::string lanes_of_next(completion_queue& from, std::size_t count) {
  std::string lanes;
  while (count-- > 0)
    if (const auto next = from.pop()) lanes += letter_of(next->op->in_lane());
  return lanes;
}

struct three_lanes {
  nop_operation urgent = make_nop(lane::urgent);
  nop_operation normal = make_nop(lane::normal);
  nop_operation background = make_nop(lane::background);
};

TEST(completion_queue, is_first_in_first_out_inside_a_lane) {
  completion_queue ready(16);
  nop_operation op = make_nop(lane::normal);
  EXPECT_TRUE(ready.empty());
  EXPECT_FALSE(ready.pop());
  for (int round = 0; round < 5; ++round) { // more than its capacity in all, so that it wraps
    for (int number = 0; number < 10; ++number) push_partial(ready, op, number);
    EXPECT_EQ(ready.size(), 10u);
    for (int number = 0; number < 10; ++number) EXPECT_EQ(ready.pop()->what.result, number);
    EXPECT_TRUE(ready.empty());
  }
}

TEST(completion_queue, weighs_its_lanes_eight_to_four_to_one) {
  completion_queue ready(64);
  three_lanes ops;
  for (int number = 0; number < 26; ++number)
    for (operation* op : {static_cast<operation*>(&ops.background), static_cast<operation*>(&ops.normal),
                          static_cast<operation*>(&ops.urgent)})
      push_partial(ready, *op, number);
  EXPECT_EQ(lanes_of_next(ready, 39), "UUUUUUUUnnnnb"
                                      "UUUUUUUUnnnnb"
                                      "UUUUUUUUnnnnb");
  EXPECT_EQ(lanes_of_next(ready, 39), "UUnnnnbnnnnbnnnnbnn" + std::string(20, 'b'))
      << "a lane that is empty gives its share to the others";
}

TEST(completion_queue, no_lane_starves_while_others_are_refilled) {
  completion_queue ready(16);
  three_lanes ops;
  push_partial(ready, ops.background, 0);
  push_partial(ready, ops.normal, 0);
  push_partial(ready, ops.urgent, 0);
  std::string order;
  while (order.find('b') == std::string::npos && order.size() < 100) {
    order += lanes_of_next(ready, 1);
    push_partial(ready, order.back() == 'n' ? ops.normal : ops.urgent, 0);
  }
  EXPECT_LE(order.size(), 13u) << order;
  while (ready.pop()) {
  }
}

TEST(completion_queue, has_room_only_while_every_lane_has) {
  completion_queue ready(6); // rounded up to 8
  nop_operation op = make_nop(lane::background);
  EXPECT_TRUE(ready.has_room(8));
  EXPECT_FALSE(ready.has_room(9));
  for (int number = 0; number < 8; ++number) {
    EXPECT_TRUE(ready.has_room());
    push_partial(ready, op, number);
  }
  EXPECT_FALSE(ready.has_room());
  EXPECT_EQ(ready.size(), 8u);
  ready.pop();
  EXPECT_TRUE(ready.has_room(1));
  EXPECT_FALSE(ready.has_room(2));
  while (ready.pop()) {
  }
}

TEST(completion_queue, leases_pass_through_and_are_dropped_with_the_queue) {
  buffer_pool pool(buffer_pool_options{});
  nop_operation op = make_nop(lane::normal);
  {
    completion_queue ready(4);
    lease slot = pool.acquire();
    const std::byte* const place = slot.data();
    ready.push(op, completion(1, true, std::move(slot)));
    ready.push(op, completion(1, true, pool.acquire()));
    EXPECT_EQ(pool.slots_in_use(), 2u);
    EXPECT_EQ(ready.pop()->what.data.data(), place);
    EXPECT_EQ(pool.slots_in_use(), 1u);
  }
  EXPECT_EQ(pool.slots_in_use(), 0u);
}

} // namespace
} // namespace weir
