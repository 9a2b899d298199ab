// What a connection to Redis needs fails once at each place: the connection is lost, or the command fails.
#include "exhausted_server.hpp"

#include <weir/adapters/redis_connection.hpp>
#include <weir/adapters/redis_subscriber.hpp>

namespace weir::test {
namespace {

class redis_exhaustion_heavy : public exhausted_server<redis_server> {
 protected:
  void SetUp() override {
    exhausted_server::SetUp();
    if (IsSkipped()) return;
    wait_for_server([] { return redis_connection::connect(options()); });
  }
  static redis_options options() { return redis_options(address::unix_path(server().path()).value()); }
};

task<result<>> set_and_get(redis_connection& cache, std::string key) {
  const std::string value(2000, 'v');
  result<redis_reply> stored = co_await cache.command("SET", key, value);
  if (!stored) co_return fail(stored.error());
  result<redis_reply> got = co_await cache.command("GET", key);
  if (!got) co_return fail(got.error());
  EXPECT_EQ(got->text(), value);
  co_return result<>();
}

/// A command that is given up leaves a reply that nobody wants.
task<result<>> use_redis(redis_options options) {
  result<redis_connection> cache = co_await redis_connection::connect(options);
  if (!cache) co_return fail(cache.error());
  result<> step = co_await side_by_side(set_and_get(*cache, "one"), set_and_get(*cache, "other"));
  if (!step) co_return step;
  result<redis_reply> late = co_await with_deadline(1ms, cache->command("BLPOP", "nothing", 0.01));
  if (!late && !late.error().is_timeout()) co_return fail(late.error());
  step = co_await cache->recover();
  if (!step) co_return step;
  EXPECT_EQ(cache->in_flight(), 0u);
  co_return step;
}

TEST_P(redis_exhaustion_heavy, of_commands_is_an_error) {
  fail_each_step_of([] { return within_patience(use_redis(options())); });
}

task<result<>> publish_and_hear(redis_options options) {
  result<redis_subscriber> news = co_await redis_subscriber::connect(options);
  if (!news) co_return fail(news.error());
  result<> subscribed = co_await news->subscribe("news");
  if (!subscribed) co_return subscribed;
  result<redis_connection> cache = co_await redis_connection::connect(options);
  if (!cache) co_return fail(cache.error());
  result<redis_reply> told = co_await cache->command("PUBLISH", "news", "something");
  if (!told) co_return fail(told.error());
  result<redis_message> heard = co_await news->next();
  if (!heard) co_return fail(heard.error());
  EXPECT_EQ(heard->payload, "something");
  co_return result<>();
}

TEST_P(redis_exhaustion_heavy, of_a_subscription_is_an_error) {
  fail_each_step_of([] { return within_patience(publish_and_hear(options())); });
}

INSTANTIATE_TEST_SUITE_P(each, redis_exhaustion_heavy,
                         each_of(fault_kind::allocation, fault_kind::system_call, fault_kind::operation),
                         name_of_fault);

} // namespace
} // namespace weir::test
