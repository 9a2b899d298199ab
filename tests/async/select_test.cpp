#include "async_test.hpp"

#include <weir/async/select.hpp>
#include <weir/async/when_all.hpp>

#include <memory>
#include <variant>

namespace weir {
namespace {

class select_test : public async_test {
 protected:
  using chosen = result<std::variant<int, std::string>>;

  task<chosen> selects() { co_return co_await select(numbers_, texts_); }
  task<> notes_selected() {
    chosen next = co_await select(numbers_, texts_);
    if (!next)
      seen_ += next.error() == errc::closed ? "closed " : "cancelled ";
    else if (next->index() == 0)
      seen_ += std::to_string(std::get<0>(*next)) + " ";
    else
      seen_ += std::get<1>(*next) + " ";
  }

  channel<int> numbers_;
  channel<std::string> texts_;
  trace seen_;
};

TEST_F(select_test, takes_what_is_there_at_once_and_from_one_channel_only) {
  EXPECT_TRUE(texts_.try_send("text"));
  auto main = [&]() -> task<bool> {
    const std::uint64_t turn = on().counters().turns;
    co_await notes_selected();
    co_return on().counters().turns == turn;
  };
  EXPECT_TRUE(run(main()));
  EXPECT_TRUE(numbers_.try_send(1));
  EXPECT_TRUE(texts_.try_send("more"));
  run(notes_selected());
  EXPECT_EQ(numbers_.size() + texts_.size(), 1u);
}

TEST_F(select_test, waits_for_the_first_value_of_any) {
  auto sends = [&]() -> task<> {
    co_await yields(2);
    EXPECT_TRUE(texts_.try_send("text"));
    EXPECT_TRUE(numbers_.try_send(1)); // before the select could run: both are ready
    EXPECT_EQ(seen_, "") << "nobody resumes inside try_send";
  };
  auto main = [&]() -> task<> {
    co_await when_all(notes_selected(), sends());
    co_await notes_selected();
  };
  run(main());
  EXPECT_TRUE(seen_ == "text 1 " || seen_ == "1 text ") << seen_;
}

TEST_F(select_test, is_fair_between_those_that_are_ready) {
  int of_numbers = 0;
  auto main = [&]() -> task<> {
    for (int i = 0; i < 1000; ++i) {
      if (numbers_.empty()) {
        EXPECT_TRUE(numbers_.try_send(0));
      }
      if (texts_.empty()) {
        EXPECT_TRUE(texts_.try_send(""));
      }
      chosen next = co_await select(numbers_, texts_);
      EXPECT_TRUE(next);
      of_numbers += next->index() == 0;
    }
  };
  run(main());
  EXPECT_NEAR(of_numbers, 500, 120);
}

TEST_F(select_test, keeps_the_order_of_each_channel) {
  for (int i = 0; i < 50; ++i) {
    EXPECT_TRUE(numbers_.try_send(int(i)));
    EXPECT_TRUE(texts_.try_send(std::to_string(i)));
  }
  auto main = [&]() -> task<> {
    int next_number = 0;
    int next_text = 0;
    for (int i = 0; i < 100; ++i) {
      chosen next = co_await select(numbers_, texts_);
      if (next->index() == 0) {
        EXPECT_EQ(std::get<0>(*next), next_number++);
      } else {
        EXPECT_EQ(std::get<1>(*next), std::to_string(next_text++));
      }
    }
  };
  run(main());
}

TEST_F(select_test, lets_those_who_wait_to_send_go_on) {
  channel<int> narrow(channel_options(1));
  EXPECT_TRUE(narrow.try_send(1));
  auto sends = [&]() -> task<result<>> { co_return co_await narrow.send(2); };
  auto receives = [&]() -> task<int> {
    int sum = 0;
    for (int i = 0; i < 2; ++i) {
      result<std::variant<int>> next = co_await select(narrow);
      sum += std::get<0>(*next);
    }
    co_return sum;
  };
  auto main = [&]() -> task<> {
    auto [sent, sum] = co_await when_all(sends(), receives());
    EXPECT_TRUE(sent);
    EXPECT_EQ(sum, 3);
  };
  run(main());
}

TEST_F(select_test, of_several_each_value_goes_to_one) {
  auto sends = [&]() -> task<> {
    co_await yields(1);
    EXPECT_TRUE(numbers_.try_send(1));
    EXPECT_TRUE(numbers_.try_send(2));
    co_await yields(1);
    EXPECT_EQ(seen_, "1 2 ") << "the third waits on";
    EXPECT_TRUE(texts_.try_send("last"));
  };
  auto main = [&]() -> task<> {
    co_await when_all(notes_selected(), notes_selected(), notes_selected(), sends());
  };
  run(main());
  EXPECT_EQ(seen_, "1 2 last ");
}

TEST_F(select_test, who_receives_directly_goes_first_and_select_waits_on) {
  auto receives = [&]() -> task<> {
    result<int> value = co_await numbers_.receive();
    seen_ += "direct-" + std::to_string(value.value()) + " ";
  };
  auto takes_it_away = [&]() -> task<> {
    EXPECT_TRUE(numbers_.try_send(1));
    EXPECT_TRUE(numbers_.try_send(2));
    EXPECT_EQ(numbers_.try_receive().value(), 2) << "the select was woken, but comes too late";
    co_await yields(2);
    EXPECT_TRUE(texts_.try_send("text"));
  };
  auto main = [&]() -> task<> { co_await when_all(notes_selected(), receives(), takes_it_away()); };
  run(main());
  EXPECT_EQ(seen_, "direct-1 text ");
}

TEST_F(select_test, passes_over_closed_channels_and_ends_when_all_are_closed_and_empty) {
  EXPECT_TRUE(texts_.try_send("rest"));
  texts_.close();
  auto sends = [&]() -> task<> {
    co_await yields(2);
    EXPECT_TRUE(numbers_.try_send(1));
    co_await yields(2);
    numbers_.close();
  };
  auto receives = [&]() -> task<> {
    for (int i = 0; i < 4; ++i) co_await notes_selected();
  };
  auto main = [&]() -> task<> { co_await when_all(receives(), sends()); };
  run(main());
  EXPECT_EQ(seen_, "rest 1 closed closed ");
}

TEST_F(select_test, a_cancelled_select_takes_nothing) {
  cancellation scope;
  auto cancels_and_sends = [&]() -> task<> {
    scope.request();
    EXPECT_TRUE(numbers_.try_send(1));
    EXPECT_TRUE(texts_.try_send("text"));
    co_return;
  };
  auto main = [&]() -> task<> {
    co_await when_all(notes_selected(), cancels_and_sends());
    co_await notes_selected(); // nor does one in a scope that has ended
  };
  run(main(), &scope);
  EXPECT_EQ(seen_, "cancelled cancelled ");
  EXPECT_EQ(numbers_.try_receive().value(), 1);
  EXPECT_EQ(texts_.try_receive().value(), "text");
}

TEST_F(select_test, a_value_that_woke_it_is_delivered_though_it_is_cancelled_then) {
  cancellation scope;
  auto sends_and_cancels = [&]() -> task<> {
    EXPECT_TRUE(numbers_.try_send(1));
    scope.request();
    co_return;
  };
  auto main = [&]() -> task<> { co_await when_all(notes_selected(), sends_and_cancels()); };
  run(main(), &scope);
  EXPECT_EQ(seen_, "1 ");
}

TEST_F(select_test, moves_what_only_moves_and_tells_channels_of_one_type_apart) {
  channel<std::unique_ptr<int>> left;
  channel<std::unique_ptr<int>> right;
  EXPECT_TRUE(right.try_send(std::make_unique<int>(4)));
  auto main = [&]() -> task<int> {
    auto next = co_await select(left, right);
    EXPECT_EQ(next->index(), 1u);
    co_return *std::get<1>(*next);
  };
  EXPECT_EQ(run(main()), 4);
}

} // namespace
} // namespace weir
