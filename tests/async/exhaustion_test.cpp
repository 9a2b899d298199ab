// Coroutines that lack memory, or a thread, once at each place where they need it: each such failure is that
// of one task, and those that wait for it hear of it.
#include <weir/async/broadcast.hpp>
#include <weir/async/channel.hpp>
#include <weir/async/hedge.hpp>
#include <weir/async/offload.hpp>
#include <weir/async/retry.hpp>
#include <weir/async/select.hpp>
#include <weir/async/sleep.hpp>
#include <weir/async/when_all.hpp>
#include <weir/async/when_any.hpp>
#include <weir/async/with_nursery.hpp>

#include <support/exhaustion.hpp>

#include <memory>
#include <string>

namespace weir::test {
namespace {

/// On one loop, memory apart, nothing can fail.
class async_exhaustion : public exhaustion_test {};
/// Where work leaves the loop, threads can.
class offload_exhaustion : public exhaustion_test {};

task<result<>> nap_and_end() {
  co_return co_await sleep_for(1ms);
}

task<result<>> sleep_long() {
  co_return co_await sleep_for(1h);
}

task<result<>> open_a_nursery() {
  auto body = [](nursery& children) -> task<result<>> {
    for (int i = 0; i < 3; ++i) {
      result<> spawned = co_await children.spawn(nap_and_end()); // the third waits for room
      if (!spawned) co_return spawned;
    }
    co_return result<>();
  };
  co_return co_await with_nursery(nursery_options(2), body);
}

TEST_P(async_exhaustion, of_a_nursery_ends_it) {
  fail_each_step_of([] { return within_patience(open_a_nursery()); });
}

task<result<>> fork_and_join() {
  auto [one, other] = co_await when_all(nap_and_end(), nap_and_end());
  if (!one || !other) co_return fail(!one ? one.error() : other.error());
  auto ended = co_await when_any(nap_and_end(), sleep_long());
  co_return std::get<0>(ended.values);
}

TEST_P(async_exhaustion, of_branches_ends_all) {
  fail_each_step_of([] { return within_patience(fork_and_join()); });
}

constexpr int values_sent = 5;

task<result<>> send_numbers(channel<std::string>& into) {
  for (int i = 0; i < values_sent; ++i) {
    std::string number(50, static_cast<char>('a' + i));
    result<> sent = co_await into.send(std::move(number));
    if (!sent) co_return sent;
  }
  into.close();
  co_return result<>();
}

task<result<>> receive_numbers(channel<std::string>& from) {
  for (int i = 0; i < values_sent; ++i) {
    result<std::string> got = co_await from.receive();
    if (!got) co_return fail(got.error());
    EXPECT_EQ(got->front(), 'a' + i) << "none is lost, none comes twice";
  }
  co_return result<>();
}

task<result<>> talk_over_a_channel() {
  channel<std::string> between(channel_options(2));
  co_return co_await side_by_side(send_numbers(between), receive_numbers(between));
}

TEST_P(async_exhaustion, of_a_channel_loses_no_value) {
  fail_each_step_of([] { return within_patience(talk_over_a_channel()); });
}

task<result<>> select_both(channel<std::string>& one, channel<std::string>& other) {
  for (int i = 0; i < 2 * values_sent; ++i) {
    auto got = co_await select(one, other);
    if (!got) co_return fail(got.error());
  }
  co_return result<>();
}

task<result<>> choose_between_channels() {
  channel<std::string> one(channel_options(1));
  channel<std::string> other(channel_options(1));
  co_return co_await side_by_side(side_by_side(send_numbers(one), send_numbers(other)),
                                  select_both(one, other));
}

TEST_P(async_exhaustion, of_a_select_is_an_error) {
  fail_each_step_of([] { return within_patience(choose_between_channels()); });
}

task<result<>> tell_all(broadcast<std::string>& all) {
  for (int i = 0; i < values_sent; ++i) {
    result<> sent = co_await all.send(std::string(50, static_cast<char>('a' + i)));
    if (!sent) co_return sent;
  }
  all.close();
  co_return result<>();
}

/// One whose copy there was no memory for is told so.
task<result<>> hear_all(broadcast<std::string>::subscription& mine) {
  for (int i = 0; i < values_sent; ++i) {
    result<std::string> heard = co_await mine.receive();
    if (!heard) co_return fail(heard.error());
    EXPECT_EQ(heard->front(), 'a' + i);
  }
  co_return result<>();
}

task<result<>> tell_and_hear() {
  broadcast<std::string> news;
  broadcast<std::string>::subscription one(news, subscription_options(2));
  broadcast<std::string>::subscription other(news, subscription_options(2));
  co_return co_await side_by_side(tell_all(news), side_by_side(hear_all(one), hear_all(other)));
}

TEST_P(async_exhaustion, of_a_broadcast_is_told_to_who_misses_a_value) {
  fail_each_step_of([] { return within_patience(tell_and_hear()); });
}

task<result<std::string>> succeed_at_third(int& attempts) {
  if (++attempts < 3) co_return fail(std::errc::connection_refused, "attempt");
  co_return std::string(50, 'x');
}

task<result<>> try_again() {
  int attempts = 0;
  auto attempt = [&attempts] { return succeed_at_third(attempts); };
  result<std::string> done = co_await retry(retry_policy(5, 1ms, 1ms), attempt);
  if (!done) co_return fail(done.error());
  co_return result<>();
}

TEST_P(async_exhaustion, of_a_retry_is_an_error) {
  fail_each_step_of([] { return within_patience(try_again()); });
}

task<result<std::string>> answer_late(unsigned number) {
  const auto delay = number == 1 ? 20ms : 1ms;
  result<> waited = co_await sleep_for(delay);
  if (!waited) co_return fail(waited.error());
  co_return std::string(50, 'x');
}

task<result<>> ask_twice() {
  result<std::string> first = co_await hedge(hedge_policy(2ms, 3), answer_late);
  if (!first) co_return fail(first.error());
  co_return result<>();
}

TEST_P(async_exhaustion, of_a_hedge_ends_all_attempts) {
  fail_each_step_of([] { return within_patience(ask_twice()); });
}

task<result<>> compute_elsewhere() {
  auto compute = [](std::stop_token) { return std::string(50, 'x'); };
  result<std::string> done = co_await offload(pool_class::user, compute);
  if (!done) co_return fail(done.error());
  EXPECT_EQ(done->size(), 50u);
  co_return result<>();
}

TEST_P(offload_exhaustion, is_an_error_of_who_waits) {
  blocking_pool threads; // its own, which has to start a thread
  options_.blocking = &threads;
  fail_each_step_of([] { return within_patience(compute_elsewhere()); });
}

INSTANTIATE_TEST_SUITE_P(each, async_exhaustion, each_of(fault_kind::allocation), name_of_fault);
INSTANTIATE_TEST_SUITE_P(each, offload_exhaustion, each_of(fault_kind::allocation, fault_kind::system_call),
                         name_of_fault);

} // namespace
} // namespace weir::test
