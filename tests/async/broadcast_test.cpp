#include "async_test.hpp"

#include <weir/async/broadcast.hpp>
#include <weir/async/when_all.hpp>

#include <memory>
#include <new>
#include <optional>
#include <vector>

namespace weir {
namespace {

using news = broadcast<int>;

class broadcast_test : public async_test {
 protected:
  static task<result<>> sends(news& to, int value) { co_return co_await to.send(value); }

  /// Everything up to the end of the subscription, and why it ended.
  static task<> notes_all(news::subscription& from, trace& seen) {
    for (;;) {
      result<int> value = co_await from.receive();
      if (value) {
        seen += std::to_string(*value) + " ";
        continue;
      }
      seen += value.error().is_cancelled() ? "cancelled" : value.error().message();
      break;
    }
  }
  /// What it holds now.
  trace taken(news::subscription& from) {
    trace seen;
    auto main = [&]() -> task<> {
      while (from.size() > 0) {
        result<int> value = co_await from.receive();
        EXPECT_TRUE(value);
        seen += std::to_string(value.value_or(-1)) + " ";
      }
    };
    run(main());
    return seen;
  }
  static void send_all(news& to, int first, int last) {
    for (int value = first; value <= last; ++value) EXPECT_TRUE(to.try_send(value));
  }
};

TEST_F(broadcast_test, each_value_reaches_every_subscriber_in_order) {
  news values;
  news::subscription one(values), two(values);
  trace seen_by_one, seen_by_two;
  auto sends_some = [&]() -> task<> {
    for (int i = 1; i <= 3; ++i) {
      result<> sent = co_await values.send(i);
      EXPECT_TRUE(sent);
    }
    values.close();
  };
  auto main = [&]() -> task<> {
    co_await when_all(notes_all(one, seen_by_one), notes_all(two, seen_by_two), sends_some());
  };
  run(main());
  EXPECT_EQ(seen_by_one, "1 2 3 broadcast: closed on this side");
  EXPECT_EQ(seen_by_two, seen_by_one);
}

TEST_F(broadcast_test, a_subscriber_gets_what_is_sent_while_it_is_one) {
  news values;
  send_all(values, 1, 2);
  {
    news::subscription mine(values);
    send_all(values, 3, 4);
    EXPECT_EQ(taken(mine), "3 4 ");
  }
  send_all(values, 5, 6);
}

TEST_F(broadcast_test, wait_holds_the_senders_until_the_slowest_has_room) {
  news values;
  news::subscription slow(values, subscription_options(2)), quick(values, subscription_options(100));
  send_all(values, 1, 2);
  EXPECT_EQ(values.try_send(3).error(), std::errc::operation_would_block);
  auto main = [&]() -> task<> {
    auto reads = [&]() -> task<> {
      EXPECT_EQ(quick.size(), 2u) << "what one cannot take, none gets yet";
      result<int> oldest = co_await slow.receive();
      EXPECT_EQ(oldest.value(), 1);
      EXPECT_EQ(quick.size(), 3u) << "room for one: the first in line";
      EXPECT_EQ(values.try_send(9).error(), std::errc::operation_would_block) << "nobody overtakes";
      oldest = co_await slow.receive();
      EXPECT_EQ(oldest.value(), 2);
    };
    auto [third, fourth, done] = co_await when_all(sends(values, 3), sends(values, 4), reads());
    EXPECT_TRUE(third && fourth);
  };
  run(main());
  EXPECT_EQ(taken(slow), "3 4 ");
  EXPECT_EQ(taken(quick), "1 2 3 4 ");
}

TEST_F(broadcast_test, a_slow_subscriber_that_leaves_lets_the_senders_go_on) {
  news values;
  std::optional<news::subscription> slow;
  slow.emplace(values, subscription_options(1));
  send_all(values, 1, 1);
  auto leaves = [&]() -> task<> {
    slow.reset();
    co_return;
  };
  auto main = [&]() -> task<> {
    auto [sent, left] = co_await when_all(sends(values, 2), leaves());
    EXPECT_TRUE(sent);
  };
  run(main());
}

TEST_F(broadcast_test, drop_oldest_keeps_the_latest_and_counts_the_others) {
  news values;
  news::subscription latest(values, subscription_options(3, at_bound::drop_oldest));
  send_all(values, 1, 10);
  EXPECT_EQ(latest.dropped(), 7u);
  EXPECT_EQ(taken(latest), "8 9 10 ");
  send_all(values, 11, 11);
  EXPECT_EQ(latest.dropped(), 7u);
  EXPECT_EQ(taken(latest), "11 ");
}

TEST_F(broadcast_test, disconnect_ends_the_slow_one_behind_what_it_holds_and_no_other) {
  news values;
  news::subscription slow(values, subscription_options(2, at_bound::disconnect)), quick(values);
  send_all(values, 1, 5);
  trace seen;
  run(notes_all(slow, seen));
  EXPECT_EQ(seen, "1 2 broadcast: subscriber too slow: a limit was reached");
  EXPECT_EQ(slow.disconnected(), errc::limit_reached);
  EXPECT_EQ(taken(quick), "1 2 3 4 5 ");
}

TEST_F(broadcast_test, a_cancelled_send_reaches_nobody) {
  news values;
  news::subscription full(values, subscription_options(1)), other(values);
  send_all(values, 1, 1);
  cancellation scope;
  auto cancelled = [&]() -> task<> {
    result<> sent = co_await values.send(2);
    EXPECT_TRUE(!sent && sent.error().is_cancelled());
  };
  auto main = [&]() -> task<> { co_await when_all(cancelled(), request_after(1ms, scope)); };
  run(main(), &scope);
  EXPECT_EQ(taken(full), "1 ");
  EXPECT_EQ(taken(other), "1 ");
  run(cancelled(), &scope);
  EXPECT_EQ(other.size(), 0u) << "nor does one in a scope that has ended";
}

TEST_F(broadcast_test, a_send_that_was_admitted_is_sent_though_it_is_cancelled_then) {
  news values;
  news::subscription mine(values, subscription_options(1));
  send_all(values, 1, 1);
  cancellation scope;
  auto main = [&]() -> task<> {
    auto reads_and_cancels = [&]() -> task<> {
      result<int> oldest = co_await mine.receive();
      EXPECT_EQ(oldest.value(), 1);
      scope.request();
    };
    auto [sent, done] = co_await when_all(sends(values, 2), reads_and_cancels());
    EXPECT_TRUE(sent);
  };
  run(main(), &scope);
  EXPECT_EQ(taken(mine), "2 ");
}

TEST_F(broadcast_test, a_cancelled_receive_loses_nothing) {
  news values;
  news::subscription mine(values);
  cancellation scope;
  trace seen;
  auto cancels_and_sends = [&]() -> task<> {
    scope.request();
    send_all(values, 1, 1);
    co_return;
  };
  auto main = [&]() -> task<> { co_await when_all(notes_all(mine, seen), cancels_and_sends()); };
  run(main(), &scope);
  EXPECT_EQ(seen, "cancelled");
  EXPECT_EQ(taken(mine), "1 ");
}

TEST_F(broadcast_test, close_ends_senders_and_later_subscribers) {
  news values;
  news::subscription full(values, subscription_options(1));
  send_all(values, 1, 1);
  auto closes = [&]() -> task<> {
    values.close();
    co_return;
  };
  auto main = [&]() -> task<> {
    auto [sent, closed] = co_await when_all(sends(values, 2), closes());
    EXPECT_EQ(sent.error(), errc::closed);
    sent = co_await sends(values, 3);
    EXPECT_EQ(sent.error(), errc::closed);
    news::subscription late(values);
    result<int> nothing = co_await late.receive();
    EXPECT_EQ(nothing.error(), errc::closed);
  };
  run(main());
  EXPECT_EQ(values.try_send(4).error(), errc::closed);
}

/// Its copies fail while a flag says so.
struct fragile {
  explicit fragile(const bool& fails) : copies_fail(&fails) {}
  fragile(const fragile& other) : copies_fail(other.copies_fail) {
    if (*copies_fail) throw std::bad_alloc();
  }
  fragile(fragile&&) noexcept = default;
  const bool* copies_fail;
};

TEST_F(broadcast_test, a_copy_that_fails_ends_that_subscription_and_says_so) {
  bool copies_fail = false;
  broadcast<fragile> values;
  broadcast<fragile>::subscription mine(values);
  const fragile value(copies_fail);
  EXPECT_TRUE(values.try_send(value));
  copies_fail = true;
  EXPECT_TRUE(values.try_send(value));
  copies_fail = false;
  EXPECT_TRUE(values.try_send(value));
  auto main = [&]() -> task<> {
    result<fragile> first = co_await mine.receive();
    EXPECT_TRUE(first);
    result<fragile> second = co_await mine.receive();
    EXPECT_EQ(second.error(), std::errc::not_enough_memory) << "never the third: none may be missed unseen";
  };
  run(main());
}

} // namespace
} // namespace weir
