// Channels between loops: everything arrives, in order, on the other thread; the bound, the end, and
// cancellations lose nothing.
#include "group_of_test.hpp"

#include <weir/async/sleep.hpp>
#include <weir/async/when_any.hpp>
#include <weir/runtime/loop_channel.hpp>

#include <memory>
#include <string>
#include <thread>
#include <vector>

namespace weir::test {
namespace {

class loop_channel_test : public group_test {
 protected:
  /// Numbers from `first` on, as many as `count`.
  static task<result<>> send_numbers(loop_channel<int> into, int first, int count) {
    auto out = into.make_sender();
    for (int i = 0; i < count; ++i) {
      result<> sent = co_await out.send(first + i);
      if (!sent) co_return sent;
    }
    co_return result<>();
  }
  /// All until the end.
  static task<std::vector<int>> receive_numbers(loop_channel<int> from) {
    auto in = from.make_receiver();
    std::vector<int> numbers;
    for (;;) {
      result<int> next = co_await in.receive();
      if (!next) {
        EXPECT_EQ(next.error(), errc::closed);
        break;
      }
      numbers.push_back(*next);
    }
    co_return numbers;
  }
};

TEST_P(loop_channel_test, carries_all_in_order_from_one_loop_to_another) {
  loop_group& group = start(2);
  constexpr int count = 5000;
  for (const std::size_t capacity : {2u, 64u}) {
    loop_channel<int> numbers(capacity);
    std::thread consumer([&] {
      const auto receive = [&] { return receive_numbers(numbers); };
      result<std::vector<int>> received = group.call(1, receive);
      ASSERT_EQ(received->size(), static_cast<std::size_t>(count));
      for (int i = 0; i < count; ++i) ASSERT_EQ((*received)[static_cast<std::size_t>(i)], i);
    });
    const auto send = [&] { return send_numbers(numbers, 0, count); };
    EXPECT_TRUE(group.call(0, send));
    numbers.close();
    consumer.join();
  }
}

TEST_P(loop_channel_test, gathers_from_several_loops) {
  loop_group& group = start(3);
  loop_channel<int> numbers(8);
  constexpr int each = 2'000;
  const auto all = [&](unsigned index) -> task<result<>> {
    if (index != 0) {
      const int first = static_cast<int>(index) * each;
      result<> sent = co_await send_numbers(numbers, first, each);
      co_return sent;
    }
    auto in = numbers.make_receiver();
    std::vector<int> next{0, each, 2 * each};
    for (int i = 0; i < 2 * each; ++i) {
      result<int> number = co_await in.receive();
      if (!number) co_return fail(number.error());
      const auto from = static_cast<std::size_t>(*number / each);
      EXPECT_EQ(*number, next[from]++);
    }
    co_return result<>();
  };
  EXPECT_TRUE(group.run(all));
}

TEST_P(loop_channel_test, works_within_one_loop) {
  loop_group& group = start(1);
  loop_channel<int> numbers(2);
  const auto both = [&]() -> task<std::vector<int>> {
    auto send_and_close = [&]() -> task<> {
      result<> sent = co_await send_numbers(numbers, 0, 100);
      EXPECT_TRUE(sent);
      numbers.close();
    };
    auto [received, sent] = co_await when_all(receive_numbers(numbers), send_and_close());
    co_return received;
  };
  EXPECT_EQ(group.call(0, both)->size(), 100u);
}

TEST_P(loop_channel_test, senders_wait_at_the_bound) {
  loop_group& group = start(2);
  loop_channel<int> numbers(4);
  const auto fill = [&]() -> task<int> {
    auto out = numbers.make_sender();
    int taken = 0;
    while (out.try_send(int(taken))) ++taken;
    EXPECT_EQ(out.try_send(9).error(), std::errc::operation_would_block);
    result<> late = co_await with_deadline(0ns, send_numbers(numbers, 99, 1));
    EXPECT_TRUE(late.error().is_timeout());
    co_return taken;
  };
  EXPECT_EQ(group.call(0, fill), 4);
  const auto drain = [&]() -> task<int> {
    auto in = numbers.make_receiver();
    int count = 0;
    while (in.try_receive()) ++count;
    co_return count;
  };
  EXPECT_EQ(group.call(1, drain), 4); // what was cancelled was not sent
}

TEST_P(loop_channel_test, close_wakes_who_waits_on_either_side) {
  loop_group& group = start(2);
  loop_channel<int> empty(2);
  loop_channel<int> full(2);
  std::thread waiting([&] {
    const auto receive = [&] { return receive_numbers(empty); };
    EXPECT_TRUE(group.call(0, receive)->empty());
  });
  std::thread stuck([&] {
    const auto send = [&] { return send_numbers(full, 0, 3); };
    EXPECT_EQ(group.call(1, send).error(), errc::closed);
  });
  while (full.size() < 2) std::this_thread::yield();
  empty.close();
  full.close();
  waiting.join();
  stuck.join();
}

TEST_P(loop_channel_test, a_receiver_that_dies_closes_for_who_waits_to_send) {
  loop_group& group = start(2);
  loop_channel<int> numbers(2);
  std::thread stuck([&] {
    const auto send = [&] { return send_numbers(numbers, 0, 10); };
    EXPECT_EQ(group.call(1, send).error(), errc::closed);
  });
  const auto receive_one_when_full = [&]() -> task<> {
    auto in = numbers.make_receiver();
    while (numbers.size() < 2) co_await yield();
    result<int> first = co_await in.receive();
    EXPECT_EQ(first, 0);
  };
  EXPECT_TRUE(group.call(0, receive_one_when_full));
  stuck.join();
}

/// Receivers that give up again and again, while values come: each value is received once.
TEST_P(loop_channel_test, cancelled_receives_and_sends_lose_nothing) {
  loop_group& group = start(2);
  loop_channel<std::unique_ptr<int>> numbers(2);
  constexpr int count = 200;
  const auto both = [&](unsigned index) -> task<result<>> {
    if (index == 0) {
      auto out = numbers.make_sender();
      for (int i = 0; i < count;) {
        auto value = std::make_unique<int>(i);
        auto send = [&]() -> task<result<>> {
          result<> sent = co_await out.send(std::move(value));
          co_return sent;
        };
        while (value) {
          result<> sent = co_await with_deadline(1us, send());
          EXPECT_EQ(sent.has_value(), value == nullptr);
        }
        ++i;
      }
      numbers.close();
      co_return result<>();
    }
    auto in = numbers.make_receiver();
    auto receive = [&]() -> task<result<std::unique_ptr<int>>> {
      result<std::unique_ptr<int>> next = co_await in.receive();
      co_return next;
    };
    int expected = 0;
    for (;;) {
      result<std::unique_ptr<int>> next = co_await with_deadline(1us, receive());
      if (next) {
        EXPECT_EQ(**next, expected++);
      } else if (!next.error().is_timeout()) {
        break;
      }
    }
    EXPECT_EQ(expected, count);
    co_return result<>();
  };
  EXPECT_TRUE(group.run(both));
}

TEST_P(loop_channel_test, values_that_nobody_received_die_with_it) {
  auto watched = std::make_shared<int>(1);
  {
    loop_group& group = start(1);
    loop_channel<std::shared_ptr<int>> values(4);
    const auto send = [&]() -> task<> {
      auto out = values.make_sender();
      result<> sent = co_await out.send(std::shared_ptr<int>(watched));
      EXPECT_TRUE(sent);
    };
    EXPECT_TRUE(group.call(0, send));
    EXPECT_EQ(watched.use_count(), 2);
  }
  EXPECT_EQ(watched.use_count(), 1);
}

/// An end that goes while the other one rings for it.
TEST_P(loop_channel_test, ends_come_and_go_while_values_move) {
  loop_group& group = start(2);
  for (int round = 0; round < 50; ++round) {
    loop_channel<int> numbers(2);
    const auto both = [&](unsigned index) -> task<result<>> {
      result<> outcome;
      if (index == 0) {
        outcome = co_await with_deadline(100us, send_numbers(numbers, 0, 1'000'000));
      } else {
        auto in = numbers.make_receiver();
        for (int i = 0; i < 20; ++i) {
          result<int> next = co_await in.receive();
          if (!next) break;
        }
      }
      numbers.close(); // whoever is done first
      co_return result<>();
    };
    ASSERT_TRUE(group.run(both));
  }
}

INSTANTIATE_TEST_SUITE_P(backends, loop_channel_test, on_each_backend(), name_of_backend);

} // namespace
} // namespace weir::test
