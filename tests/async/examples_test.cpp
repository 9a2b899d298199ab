// The examples of docs/async.md, as they stand there: examples_test.py compares. Each is run here.
#include <weir/async/async_generator.hpp>
#include <weir/async/broadcast.hpp>
#include <weir/async/channel.hpp>
#include <weir/async/event.hpp>
#include <weir/async/hedge.hpp>
#include <weir/async/offload.hpp>
#include <weir/async/rate_limiter.hpp>
#include <weir/async/retry.hpp>
#include <weir/async/run.hpp>
#include <weir/async/select.hpp>
#include <weir/async/semaphore.hpp>
#include <weir/async/shield.hpp>
#include <weir/async/sleep.hpp>
#include <weir/async/when_all.hpp>
#include <weir/async/when_any.hpp>
#include <weir/async/with_deadline.hpp>
#include <weir/async/with_nursery.hpp>
#include <weir/async/yield.hpp>

#include <gtest/gtest.h>

#include <numeric>
#include <string>
#include <variant>
#include <vector>

namespace {

using namespace weir;
using namespace std::chrono_literals;

/// What the examples talk to: answers after a while, with the number that it was asked with.
task<result<int>> ask(int number, std::chrono::nanoseconds answers_after = 1ms) {
  result<> slept = co_await sleep_for(answers_after);
  if (!slept) co_return fail(slept.error());
  co_return number;
}

task<result<>> visit(int number) {
  result<int> answer = co_await ask(number);
  if (!answer) co_return fail(answer.error());
  co_return result<>();
}

task<int> several_at_once() {
  auto [one, two] = co_await when_all(ask(1), ask(2));
  co_return one.value() + two.value();
}

task<int> whoever_is_first() {
  auto [first, answers] = co_await when_any(ask(1, 1h), ask(2));
  co_return std::get<1>(answers).value();
}

task<result<int>> in_time() {
  co_return co_await with_deadline(10ms, ask(1, 1h)); // std::errc::timed_out
}

task<result<>> many_children() {
  auto body = [](nursery& children) -> task<result<>> {
    for (int i = 0; i < 100; ++i) {
      result<> spawned = co_await children.spawn(visit(i)); // waits while ten run
      if (!spawned) co_return spawned;
    }
    co_return result<>();
  };
  co_return co_await with_nursery(nursery_options(10), body); // waits for all
}

task<int> hand_over() {
  channel<int> numbers(channel_options(4));
  auto produce = [&]() -> task<> {
    for (int i = 1; i <= 10; ++i) {
      result<> sent = co_await numbers.send(int(i)); // waits while four are inside
      if (!sent) break;
    }
    numbers.close();
  };
  auto consume = [&]() -> task<int> {
    int sum = 0;
    for (;;) {
      result<int> number = co_await numbers.receive();
      if (!number) break; // closed, and everything is taken
      sum += *number;
    }
    co_return sum;
  };
  auto [produced, sum] = co_await when_all(produce(), consume());
  co_return sum;
}

task<std::string> whichever_is_ready(channel<int>& numbers, channel<std::string>& words) {
  result<std::variant<int, std::string>> next = co_await select(numbers, words);
  if (!next) co_return next.error().message(); // all are closed, or it was cancelled
  if (next->index() == 0) co_return std::to_string(std::get<0>(*next));
  co_return std::get<1>(*next);
}

task<std::vector<int>> latest_three() {
  broadcast<int> prices;
  broadcast<int>::subscription slow(prices, subscription_options(3, at_bound::drop_oldest));
  for (int price = 1; price <= 10; ++price) {
    result<> sent = co_await prices.send(price); // does not wait for who drops
    if (!sent) break;
  }
  std::vector<int> latest;
  while (slow.size() > 0) {
    result<int> price = co_await slow.receive();
    latest.push_back(price.value());
  }
  co_return latest; // 8, 9, 10; slow.dropped() is 7
}

task<result<int>> two_at_a_time(semaphore& seats) {
  result<semaphore::permit> seat = co_await seats.acquire();
  if (!seat) co_return fail(seat.error());
  co_return co_await ask(1); // the seat is given back at the end of the scope
}

task<result<int>> not_too_often(rate_limiter& limiter) {
  result<> granted = co_await limiter.acquire();
  if (!granted) co_return fail(granted.error()); // errc::limit_reached: too many wait already
  co_return co_await ask(1);
}

task<result<int>> again_and_again(retry_budget& budget) {
  auto attempt = [](unsigned number) -> task<result<int>> {
    if (number < 3) co_return fail(std::errc::connection_refused, "ask");
    co_return co_await with_deadline(1s, ask(7));
  };
  co_return co_await retry(retry_policy(5, 1ms, 10ms, &budget), attempt);
}

task<result<int>> whichever_replica_is_faster() {
  auto ask_replica = [](unsigned number) -> task<result<int>> {
    const std::chrono::nanoseconds answers_after = number == 1 ? 1h : 1ms;
    return ask(static_cast<int>(number), answers_after);
  };
  co_return co_await hedge(5ms, ask_replica); // 2: the second replica
}

async_generator<int> squares(int count) {
  for (int i = 1; i <= count; ++i) {
    result<int> answer = co_await ask(i * i);
    if (!answer) co_return; // cancelled
    co_yield *answer;
  }
}

task<int> sum_of_squares() {
  async_generator<int> stream = squares(3);
  int sum = 0;
  for (;;) {
    std::optional<int> next = co_await stream.next();
    if (!next) break;
    sum += *next;
  }
  co_return sum;
}

task<result<int>> off_the_loop() {
  const std::vector<int> numbers(1'000'000, 1);
  auto add_up = [&] { return std::accumulate(numbers.begin(), numbers.end(), 0); };
  co_return co_await offload(pool_class::cpu, add_up); // the loop goes on meanwhile
}

class examples : public testing::Test {
 protected:
  template <class T>
  T run(task<T> example) {
    return weir::run(*loop_, std::move(example));
  }

 private:
  std::unique_ptr<loop> loop_ = std::move(*loop::create());
};

TEST_F(examples, of_tasks_side_by_side) {
  EXPECT_EQ(run(several_at_once()), 3);
  EXPECT_EQ(run(whoever_is_first()), 2);
  EXPECT_TRUE(run(in_time()).error().is_timeout());
  EXPECT_TRUE(run(many_children()));
}

TEST_F(examples, of_values_handed_over) {
  EXPECT_EQ(run(hand_over()), 55);
  channel<int> numbers;
  channel<std::string> words;
  EXPECT_TRUE(words.try_send("word"));
  EXPECT_EQ(run(whichever_is_ready(numbers, words)), "word");
  EXPECT_EQ(run(latest_three()), (std::vector{8, 9, 10}));
  EXPECT_EQ(run(sum_of_squares()), 14);
}

TEST_F(examples, of_bounds) {
  semaphore seats(2);
  EXPECT_TRUE(run(two_at_a_time(seats)));
  rate_limiter limiter(rate_limiter_options(100, 1s, 10));
  EXPECT_TRUE(run(not_too_often(limiter)));
}

TEST_F(examples, of_what_fails_or_takes_long) {
  retry_budget budget;
  EXPECT_EQ(run(again_and_again(budget)).value(), 7);
  EXPECT_EQ(run(whichever_replica_is_faster()).value(), 2);
  EXPECT_EQ(run(off_the_loop()).value(), 1'000'000);
}

} // namespace
