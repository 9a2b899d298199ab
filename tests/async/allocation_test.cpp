// In steady state nothing of async/ calls the allocator: each act is done a few times to warm up, then
// counted.
#include "async_test.hpp"

#include <weir/async/async_generator.hpp>
#include <weir/async/broadcast.hpp>
#include <weir/async/channel.hpp>
#include <weir/async/event.hpp>
#include <weir/async/hedge.hpp>
#include <weir/async/operations.hpp>
#include <weir/async/rate_limiter.hpp>
#include <weir/async/retry.hpp>
#include <weir/async/select.hpp>
#include <weir/async/semaphore.hpp>
#include <weir/async/shield.hpp>
#include <weir/async/when_all.hpp>
#include <weir/async/when_any.hpp>
#include <weir/async/with_deadline.hpp>
#include <weir/async/with_nursery.hpp>

#include <support/allocations.hpp>

#include <new>

namespace weir {
namespace {

class allocation_test : public async_test {
 protected:
  void SetUp() override {
    const std::uint64_t before = test::allocations_of_this_thread();
    ::operator delete(::operator new(1));
    ASSERT_EQ(test::allocations_of_this_thread(), before + 1) << "this build does not count allocations";
  }

  static constexpr int warm_up_rounds = 10;
  static constexpr int counted_rounds = 1000;

  /// The allocations of `counted_rounds` rounds of what `act()` makes.
  template <class Act>
  std::uint64_t count(Act act) {
    auto main = [&]() -> task<std::uint64_t> {
      for (int i = 0; i < warm_up_rounds; ++i) co_await act();
      const std::uint64_t before = test::allocations_of_this_thread();
      for (int i = 0; i < counted_rounds; ++i) co_await act();
      co_return test::allocations_of_this_thread() - before;
    };
    return run(main());
  }

  static task<int> value_of(int value) { co_return value; }
};

TEST_F(allocation_test, none_to_await_tasks) {
  auto act = []() -> task<> {
    const int value = co_await value_of(1);
    EXPECT_EQ(value, 1);
  };
  EXPECT_EQ(count(act), 0u);
}

TEST_F(allocation_test, none_to_await_operations_sleeps_and_yields) {
  auto act = []() -> task<> {
    result<> passed = co_await async_nop();
    EXPECT_TRUE(passed);
    passed = co_await sleep_for(1ms);
    EXPECT_TRUE(passed);
    passed = co_await yield();
    EXPECT_TRUE(passed);
  };
  EXPECT_EQ(count(act), 0u);
}

TEST_F(allocation_test, none_to_spawn_and_join) {
  nursery children(nursery_options(4));
  auto act = [&]() -> task<> {
    for (int i = 0; i < 8; ++i) {
      result<> spawned = co_await children.spawn(yields(2));
      EXPECT_TRUE(spawned);
    }
    result<> joined = co_await children.join();
    EXPECT_TRUE(joined);
  };
  EXPECT_EQ(count(act), 0u);
}

TEST_F(allocation_test, none_to_open_a_nursery) {
  auto body = [](nursery& children) -> task<int> {
    result<> spawned = co_await children.spawn(yields(1));
    co_return spawned ? 1 : 0;
  };
  auto act = [&]() -> task<> {
    result<int> opened = co_await with_nursery(nursery_options(), body);
    EXPECT_EQ(opened.value(), 1);
  };
  EXPECT_EQ(count(act), 0u);
}

TEST_F(allocation_test, none_to_send_and_receive) {
  channel<int> numbers(channel_options(4));
  auto sends = [&]() -> task<> {
    for (int i = 0; i < 10; ++i) {
      result<> sent = co_await numbers.send(int(i));
      EXPECT_TRUE(sent);
    }
  };
  auto receives = [&]() -> task<> {
    for (int i = 0; i < 10; ++i) {
      result<int> value = co_await numbers.receive();
      EXPECT_EQ(value.value(), i);
    }
  };
  auto act = [&]() -> task<> { co_await when_all(sends(), receives()); };
  EXPECT_EQ(count(act), 0u);
}

TEST_F(allocation_test, none_to_wait_for_events) {
  event opened(event_reset::automatic);
  auto waits = [&]() -> task<> {
    result<> passed = co_await opened.wait();
    EXPECT_TRUE(passed);
  };
  auto sets = [&]() -> task<> {
    opened.set();
    co_return;
  };
  auto act = [&]() -> task<> { co_await when_all(waits(), sets()); };
  EXPECT_EQ(count(act), 0u);
}

TEST_F(allocation_test, none_to_race_with_deadlines_and_cancellations) {
  auto act = []() -> task<> {
    auto raced = co_await when_any(with_deadline(1ms, sleeps(1h)), sleeps(2h));
    EXPECT_EQ(raced.first, 0u);
    EXPECT_TRUE(std::get<0>(raced.values).error().is_timeout());
    co_await shield(yields(1));
  };
  EXPECT_EQ(count(act), 0u);
}

TEST_F(allocation_test, none_to_acquire_permits_and_tokens) {
  semaphore seats(1);
  rate_limiter limiter(rate_limiter_options(1'000, 1s, 1));
  auto sits = [&]() -> task<> {
    result<semaphore::permit> seat = co_await seats.acquire();
    EXPECT_TRUE(seat);
    result<> granted = co_await limiter.acquire();
    EXPECT_TRUE(granted);
  };
  auto act = [&]() -> task<> { co_await when_all(sits(), sits()); };
  EXPECT_EQ(count(act), 0u);
}

TEST_F(allocation_test, none_to_retry_and_to_hedge) {
  auto attempt = [](unsigned number) -> task<result<int>> {
    result<> slept = co_await sleep_for(2ms);
    if (!slept) co_return fail(std::move(slept).error());
    if (number == 1) co_return fail(std::errc::connection_refused);
    co_return 1;
  };
  auto act = [&]() -> task<> {
    result<int> retried = co_await retry(retry_policy(2), attempt);
    EXPECT_TRUE(retried);
    result<int> hedged = co_await hedge(1ms, attempt);
    EXPECT_TRUE(hedged);
  };
  EXPECT_EQ(count(act), 0u);
}

TEST_F(allocation_test, none_to_select_and_to_broadcast) {
  channel<int> left;
  channel<int> right;
  broadcast<int> values;
  broadcast<int>::subscription mine(values, subscription_options(2)), other(values, subscription_options(2));
  auto sends = [&]() -> task<> {
    result<> sent = co_await left.send(1);
    EXPECT_TRUE(sent);
    for (int i = 0; i < 4; ++i) {
      sent = co_await values.send(i);
      EXPECT_TRUE(sent);
    }
  };
  auto receives = [&]() -> task<> {
    auto next = co_await select(left, right);
    EXPECT_TRUE(next);
    for (int i = 0; i < 4; ++i) {
      result<int> one = co_await mine.receive();
      result<int> same = co_await other.receive();
      EXPECT_EQ(one.value(), same.value());
    }
  };
  auto act = [&]() -> task<> { co_await when_all(receives(), sends()); };
  EXPECT_EQ(count(act), 0u);
}

TEST_F(allocation_test, none_to_generate) {
  auto counts = []() -> async_generator<int> {
    for (int i = 0; i < 3; ++i) co_yield i;
  };
  auto act = [&]() -> task<> {
    auto numbers = counts();
    std::optional<int> next;
    do next = co_await numbers.next();
    while (next);
  };
  EXPECT_EQ(count(act), 0u);
}

} // namespace
} // namespace weir
