#include "async_test.hpp"

#include <weir/async/channel.hpp>
#include <weir/async/when_all.hpp>

#include <memory>
#include <vector>

namespace weir {
namespace {

class channel_test : public async_test {
 protected:
  using text_channel = channel<std::string>;
  static std::size_t size_of(const std::string& text) noexcept { return text.size(); }

  template <class T>
  static task<result<>> sends(channel<T>& into, T value) {
    co_return co_await into.send(std::move(value));
  }
  template <class T>
  static task<result<T>> receives(channel<T>& from) {
    co_return co_await from.receive();
  }
  /// Notes how the wait ended: the value, or why not.
  static task<> notes_received(text_channel& from, trace& seen) {
    result<std::string> value = co_await from.receive();
    seen += value ? *value + " " : value.error() == errc::closed ? "closed " : "cancelled ";
  }
  static task<> notes_sent(text_channel& into, std::string value, trace& seen) {
    result<> sent = co_await into.send(std::move(value));
    if (sent)
      seen += "sent ";
    else
      seen += "kept-" + value + " "; // NOLINT(bugprone-use-after-move): a send that fails moves nothing
  }
};

TEST_F(channel_test, gives_values_in_the_order_of_sending) {
  channel<int> numbers(channel_options(3));
  auto producer = [&]() -> task<> {
    for (int i = 0; i < 100; ++i) {
      result<> sent = co_await numbers.send(int(i));
      EXPECT_TRUE(sent);
      EXPECT_LE(numbers.size(), 3u);
    }
    numbers.close();
  };
  auto consumer = [&]() -> task<int> {
    int expected = 0;
    for (;;) {
      result<int> value = co_await numbers.receive();
      if (!value) break;
      EXPECT_EQ(*value, expected++);
    }
    co_return expected;
  };
  auto main = [&]() -> task<int> {
    auto [produced, consumed] = co_await when_all(producer(), consumer());
    co_return consumed;
  };
  EXPECT_EQ(run(main()), 100);
}

TEST_F(channel_test, a_receiver_that_waits_is_handed_the_value) {
  channel<std::unique_ptr<int>> owners;
  auto main = [&]() -> task<int> {
    auto [received, sent] = co_await when_all(receives(owners), sends(owners, std::make_unique<int>(6)));
    co_return **received;
  };
  EXPECT_EQ(run(main()), 6);
}

TEST_F(channel_test, receivers_are_served_in_the_order_in_which_they_came) {
  text_channel texts;
  trace seen;
  auto main = [&]() -> task<> {
    auto sends_two = [&]() -> task<> {
      EXPECT_TRUE(texts.try_send("one"));
      EXPECT_TRUE(texts.try_send("two"));
      seen += "| "; // neither ran inside try_send
      co_return;
    };
    co_await when_all(notes_received(texts, seen), notes_received(texts, seen), sends_two());
  };
  run(main());
  EXPECT_EQ(seen, "| one two ");
}

TEST_F(channel_test, senders_wait_while_it_holds_its_count_and_keep_their_order) {
  text_channel texts(channel_options(1));
  trace seen;
  auto drains = [&]() -> task<> {
    seen += "| ";
    for (int i = 0; i < 3; ++i) co_await notes_received(texts, seen);
  };
  auto main = [&]() -> task<> {
    co_await when_all(notes_sent(texts, "a", seen), notes_sent(texts, "b", seen),
                      notes_sent(texts, "c", seen), drains());
  };
  run(main());
  EXPECT_EQ(seen, "sent | a b c sent sent ");
}

TEST_F(channel_test, senders_wait_while_it_holds_its_bytes) {
  text_channel texts(channel_options(100, 10), size_of);
  EXPECT_TRUE(texts.try_send("12345"));
  EXPECT_TRUE(texts.try_send("1234"));
  EXPECT_EQ(texts.try_send("12").error(), std::errc::operation_would_block);
  EXPECT_TRUE(texts.try_send("1"));
  EXPECT_EQ(texts.size_bytes(), 10u);
  EXPECT_EQ(texts.try_receive().value(), "12345");
  EXPECT_EQ(texts.size_bytes(), 5u);
  EXPECT_TRUE(texts.try_send("12345"));
}

TEST_F(channel_test, a_value_above_the_byte_bound_passes_alone) {
  text_channel texts(channel_options(100, 10), size_of);
  trace seen;
  EXPECT_TRUE(texts.try_send("x"));
  EXPECT_FALSE(texts.try_send(std::string(11, 'y')));
  EXPECT_TRUE(texts.try_receive());
  EXPECT_TRUE(texts.try_send(std::string(11, 'y')));
  EXPECT_FALSE(texts.try_send("z"));
  EXPECT_TRUE(texts.try_receive());
  EXPECT_EQ(texts.size_bytes(), 0u);
}

TEST_F(channel_test, one_large_value_makes_room_for_several_small_senders) {
  text_channel texts(channel_options(100, 10), size_of);
  trace seen;
  EXPECT_TRUE(texts.try_send("1234567890"));
  auto drains = [&]() -> task<> {
    EXPECT_EQ(texts.try_receive().value().size(), 10u);
    EXPECT_EQ(texts.size(), 3u);
    co_return;
  };
  auto main = [&]() -> task<> {
    co_await when_all(notes_sent(texts, "abc", seen), notes_sent(texts, "def", seen),
                      notes_sent(texts, "ghi", seen), drains());
  };
  run(main());
  EXPECT_EQ(seen, "sent sent sent ");
}

TEST_F(channel_test, nobody_overtakes_a_sender_that_waits) {
  text_channel texts(channel_options(100, 10), size_of);
  trace seen;
  EXPECT_TRUE(texts.try_send("12345678"));
  auto tries = [&]() -> task<> {
    EXPECT_EQ(texts.try_send("1").error(), std::errc::operation_would_block)
        << "it would fit, but not in turn";
    EXPECT_TRUE(texts.try_receive());
    co_return;
  };
  auto main = [&]() -> task<> { co_await when_all(notes_sent(texts, "abc", seen), tries()); };
  run(main());
  EXPECT_EQ(texts.try_receive().value(), "abc");
}

TEST_F(channel_test, close_ends_the_waits_and_lets_the_rest_be_received) {
  text_channel texts(channel_options(1));
  trace seen;
  auto closes = [&]() -> task<> {
    texts.close();
    co_return;
  };
  auto main = [&]() -> task<> {
    co_await when_all(notes_sent(texts, "in", seen), notes_sent(texts, "out", seen), closes());
    co_await notes_received(texts, seen);
    co_await notes_received(texts, seen);
    co_await notes_sent(texts, "late", seen);
  };
  run(main());
  EXPECT_EQ(seen, "sent kept-out in closed kept-late ");
  EXPECT_EQ(texts.try_send("x").error(), errc::closed);
  EXPECT_EQ(texts.try_receive().error(), errc::closed);
}

TEST_F(channel_test, close_wakes_receivers) {
  text_channel texts;
  trace seen;
  auto closes = [&]() -> task<> {
    texts.close();
    co_return;
  };
  auto main = [&]() -> task<> {
    co_await when_all(notes_received(texts, seen), notes_received(texts, seen), closes());
  };
  run(main());
  EXPECT_EQ(seen, "closed closed ");
}

TEST_F(channel_test, a_cancelled_send_leaves_the_value_with_the_sender) {
  text_channel texts(channel_options(1));
  trace seen;
  cancellation scope;
  EXPECT_TRUE(texts.try_send("full"));
  auto main = [&]() -> task<> {
    co_await when_all(notes_sent(texts, "a", seen), request_after(1ms, scope));
    co_await notes_sent(texts, "b", seen);
  };
  run(main(), &scope);
  EXPECT_EQ(seen, "kept-a kept-b ");
  EXPECT_EQ(texts.size(), 1u);
}

TEST_F(channel_test, a_send_that_was_admitted_is_sent_though_it_is_cancelled_then) {
  text_channel texts(channel_options(1));
  trace seen;
  cancellation scope;
  EXPECT_TRUE(texts.try_send("full"));
  auto drain_and_cancel = [&]() -> task<> {
    EXPECT_EQ(texts.try_receive().value(), "full");
    scope.request();
    co_return;
  };
  auto main = [&]() -> task<> { co_await when_all(notes_sent(texts, "a", seen), drain_and_cancel()); };
  run(main(), &scope);
  EXPECT_EQ(seen, "sent ");
  EXPECT_EQ(texts.try_receive().value(), "a");
}

TEST_F(channel_test, a_cancelled_receive_takes_nothing_with_it) {
  text_channel texts;
  trace seen;
  cancellation scope;
  auto cancel_and_send = [&]() -> task<> {
    scope.request();
    EXPECT_TRUE(texts.try_send("kept"));
    co_return;
  };
  auto main = [&]() -> task<> {
    co_await when_all(notes_received(texts, seen), cancel_and_send());
    co_await notes_received(texts, seen); // does not take it in a cancelled scope either
  };
  run(main(), &scope);
  EXPECT_EQ(seen, "cancelled cancelled ");
  EXPECT_EQ(texts.try_receive().value(), "kept");
}

TEST_F(channel_test, a_value_that_was_handed_over_is_received_though_it_is_cancelled_then) {
  text_channel texts;
  trace seen;
  cancellation scope;
  auto send_and_cancel = [&]() -> task<> {
    EXPECT_TRUE(texts.try_send("value"));
    scope.request();
    co_return;
  };
  auto main = [&]() -> task<> { co_await when_all(notes_received(texts, seen), send_and_cancel()); };
  run(main(), &scope);
  EXPECT_EQ(seen, "value ");
}

TEST_F(channel_test, destroys_what_is_left_inside) {
  auto held = std::make_shared<int>(1);
  {
    channel<std::shared_ptr<int>> owners;
    EXPECT_TRUE(owners.try_send(std::shared_ptr<int>(held)));
    EXPECT_EQ(held.use_count(), 2);
  }
  EXPECT_EQ(held.use_count(), 1);
}

} // namespace
} // namespace weir
