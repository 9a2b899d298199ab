// Commands, pipelines, cancellation, transactions and subscriptions against a real Redis that the test
// starts; and a pool over it through a restart.
#include "redis_docs.hpp"
#include "server_test.hpp"

#include <weir/adapters/connection_pool.hpp>
#include <weir/adapters/redis_connection.hpp>
#include <weir/adapters/redis_subscriber.hpp>
#include <weir/async/retry.hpp>

#include <set>
#include <string>
#include <vector>

namespace weir::test {
namespace {

using redis_pool = connection_pool<redis_connection>;

class redis_connection_test : public server_test<redis_server> {
 protected:
  redis_options over_unix() const { return redis_options(address::unix_path(server->path()).value()); }
  redis_options over_tcp() const { return redis_options(address::ip("127.0.0.1", server->port()).value()); }

  /// It starts up, or again.
  task<redis_connection> connected(redis_options options) {
    auto attempt = [&]() { return redis_connection::connect(options); };
    retry_policy patient(10000, 1ms, 10ms);
    patient.is_worth_it = [](const error& why) noexcept { return !why.is_cancelled(); };
    result<redis_connection> made = co_await retry(patient, attempt);
    EXPECT_TRUE(made) << made.error().message();
    co_return std::move(*made);
  }

  static task<std::string> text_of(redis_connection& cache, std::string key) {
    result<redis_reply> value = co_await cache.command("GET", key);
    EXPECT_TRUE(value) << value.error().message();
    co_return value ? value->text() : "";
  }

  task<> answers_of_every_type() {
    redis_connection cache = co_await connected(over_tcp());
    const std::string bytes("any\0thing\r\n$5\r\n", 15);
    result<redis_reply> stored = co_await cache.command("SET", "key", bytes);
    EXPECT_TRUE(stored && stored->type() == redis_type::status && stored->text() == "OK");
    std::string read_back = co_await text_of(cache, "key");
    EXPECT_EQ(read_back, bytes);
    result<redis_reply> absent = co_await cache.command("GET", "absent");
    EXPECT_TRUE(absent && absent->is_nil());
    result<redis_reply> count = co_await cache.command("INCRBY", "count", 42);
    EXPECT_TRUE(count && count->type() == redis_type::integer && count->integer() == 42);
    result<redis_reply> nested = co_await cache.command("EVAL", "return {1, {'a', {'b'}}, false, {}}", 0);
    EXPECT_TRUE(nested && nested->size() == 4 && (*nested)[1][1][0].text() == "b" && (*nested)[2].is_nil());
    result<redis_reply> cleaned = co_await cache.command("DEL", "key", "count");
    EXPECT_EQ(cleaned->integer(), 2);
  }

  task<> errors_are_in_the_servers_words() {
    redis_connection cache = co_await connected(over_unix());
    result<redis_reply> made = co_await cache.command("RPUSH", "list", 1);
    result<redis_reply> wrong = co_await cache.command("GET", "list");
    EXPECT_TRUE(made && !wrong && wrong.error() == make_error_code(redis_errc::wrong_type));
    EXPECT_NE(wrong.error().message().find("command " + server->path() + ": WRONGTYPE Operation"),
              std::string::npos)
        << wrong.error().message();
    result<redis_reply> refused = co_await cache.command("subscribe", "news");
    EXPECT_TRUE(!refused && refused.error() == errc::invalid_argument);
    refused = co_await cache.command("unsubscribe", "one", "other"); // two replies
    EXPECT_TRUE(!refused && refused.error() == errc::invalid_argument);
    refused = co_await cache.command("client", "reply", "off"); // none
    EXPECT_TRUE(!refused && refused.error() == errc::invalid_argument);
    result<redis_reply> cleaned = co_await cache.command("DEL", "list");
    EXPECT_EQ(cache.state(), connection_state::ready);
  }

  task<> pipelines_keep_their_order_and_their_bound() {
    redis_options options = over_unix();
    options.in_flight_max = 10;
    redis_connection cache = co_await connected(options);
    std::size_t most = 0;
    int last = -1;
    auto echoes = [&](int number) -> task<> {
      result<redis_reply> answer = co_await cache.command("ECHO", number);
      EXPECT_TRUE(answer && answer->text() == std::to_string(number));
      EXPECT_EQ(number, last + 1);
      last = number;
      most = std::max(most, cache.in_flight());
    };
    std::vector<task<>> all;
    for (int i = 0; i < 500; ++i) all.push_back(echoes(i));
    co_await when_all(std::move(all));
    EXPECT_LE(most, 10u);
    EXPECT_EQ(cache.in_flight(), 0u);
  }

  task<> large_both_ways() {
    redis_connection cache = co_await connected(over_unix());
    const std::string large = pattern(4u << 20);
    auto echoes = [&]() -> task<> {
      result<redis_reply> answer = co_await cache.command("ECHO", large);
      EXPECT_TRUE(answer && answer->text() == large);
    };
    co_await when_all(echoes(), echoes(), echoes());
  }

  task<> cancelled_at_any_moment_the_others_get_their_own_answers() {
    redis_connection cache = co_await connected(over_unix());
    for (int round = 0; round < 12; ++round) {
      cancellation scope;
      auto cancelled = [&]() -> task<> {
        result<redis_reply> answer = co_await cache.command("ECHO", "unwanted").under(&scope);
        EXPECT_TRUE(answer || answer.error().is_cancelled());
      };
      auto stays = [&](int number) -> task<> {
        result<redis_reply> answer = co_await cache.command("ECHO", number);
        EXPECT_TRUE(answer && answer->text() == std::to_string(number));
      };
      auto cancels = [&]() -> task<> {
        for (int i = 0; i < round / 3; ++i) co_await yield();
        scope.request();
      };
      co_await when_all(cancelled(), stays(1), cancelled(), stays(2), cancels(), cancelled());
    }
    result<> recovered = co_await cache.recover();
    EXPECT_TRUE(recovered);
    EXPECT_EQ(cache.state(), connection_state::ready);
  }

  task<> a_deadline_drops_the_answer_in_its_turn() {
    redis_connection cache = co_await connected(over_unix());
    result<redis_reply> late = co_await with_deadline(2ms, cache.command("BLPOP", "later", 0));
    EXPECT_TRUE(!late && late.error().is_timeout());
    EXPECT_EQ(cache.state(), connection_state::dirty);
    redis_connection other = co_await connected(over_unix());
    result<redis_reply> pushed = co_await other.command("RPUSH", "later", "for nobody");
    EXPECT_TRUE(pushed);
    result<redis_reply> next = co_await cache.command("ECHO", "mine"); // answered behind the other
    EXPECT_TRUE(next && next->text() == "mine");
    EXPECT_EQ(cache.state(), connection_state::ready);
  }

  task<> transactions_and_what_is_left_of_them() {
    redis_connection cache = co_await connected(over_unix());
    result<redis_reply> begun = co_await cache.command("MULTI");
    result<redis_reply> queued = co_await cache.command("SET", "t", "1");
    EXPECT_EQ(queued->text(), "QUEUED");
    EXPECT_EQ(cache.state(), connection_state::dirty);
    result<> recovered = co_await cache.recover();
    EXPECT_TRUE(recovered);
    EXPECT_EQ(cache.state(), connection_state::ready);
    result<redis_reply> none = co_await cache.command("EXISTS", "t");
    EXPECT_EQ(none->integer(), 0);

    begun = co_await cache.command("multi");
    queued = co_await cache.command("INCR", "t");
    result<redis_reply> executed = co_await cache.command("exec");
    EXPECT_TRUE(executed && executed->size() == 1 && (*executed)[0].integer() == 1);
    EXPECT_EQ(cache.state(), connection_state::ready);
    result<redis_reply> cleaned = co_await cache.command("DEL", "t");
    result<redis_reply> altered = co_await cache.command("SELECT", 3);
    EXPECT_TRUE(altered);
    EXPECT_EQ(cache.state(), connection_state::broken); // of no use to others
  }

  task<> messages_of_channels() {
    result<redis_subscriber> news = co_await redis_subscriber::connect(over_unix());
    result<> subscribed = co_await news->subscribe("news");
    result<> patterned = co_await news->subscribe_pattern("sport.*");
    EXPECT_TRUE(subscribed && patterned);
    result<redis_message> none = co_await with_deadline(1ms, news->next());
    EXPECT_TRUE(!none && none.error().is_timeout());
    redis_connection cache = co_await connected(over_unix());
    result<redis_reply> first = co_await cache.command("PUBLISH", "news", "one");
    result<redis_reply> second = co_await cache.command("PUBLISH", "sport.chess", "two");
    EXPECT_TRUE(first && second && second->integer() == 1);
    result<redis_message> one = co_await news->next();
    EXPECT_TRUE(one && one->channel == "news" && one->payload == "one");
    result<redis_message> two = co_await news->next();
    EXPECT_TRUE(two && two->channel == "sport.chess" && two->payload == "two");
  }

  task<> examples_of_the_documentation() {
    redis_connection cache = co_await connected(over_unix());
    result<redis_reply> cleaned = co_await cache.command("DEL", "page");
    result<std::string> first = co_await cached(cache, "page");
    result<redis_reply> left = co_await cache.command("TTL", "page");
    EXPECT_TRUE(cleaned && first == "fresh" && left && left->integer() > 0);
    result<redis_reply> changed = co_await cache.command("SET", "page", "kept");
    result<std::string> second = co_await cached(cache, "page");
    EXPECT_TRUE(changed && second == "kept");
  }

  task<> a_reply_above_its_bound_ends_the_connection() {
    redis_options options = over_unix();
    options.reply_bytes_max = 100'000;
    redis_connection cache = co_await connected(options);
    result<redis_reply> much = co_await cache.command("EVAL", "return string.rep('x', 10000000)", 0);
    EXPECT_TRUE(!much && much.error() == errc::limit_reached);
    EXPECT_EQ(cache.state(), connection_state::broken);
    result<redis_reply> after = co_await cache.command("PING");
    EXPECT_TRUE(!after && after.error() == errc::limit_reached);
  }
};

TEST_F(redis_connection_test, keeps_its_promises_with_a_real_server) {
  with_server([&] {
    run(answers_of_every_type());
    run(errors_are_in_the_servers_words());
    run(pipelines_keep_their_order_and_their_bound());
    run(large_both_ways());
    run(cancelled_at_any_moment_the_others_get_their_own_answers());
    run(a_deadline_drops_the_answer_in_its_turn());
    run(transactions_and_what_is_left_of_them());
    run(messages_of_channels());
    run(examples_of_the_documentation());
    run(a_reply_above_its_bound_ends_the_connection());
  });
}

using redis_wire_test = backend_test;

TEST_P(redis_wire_test, what_is_no_reply_is_a_broken_protocol) {
  run([&]() -> task<> {
    for (const std::string_view answer : {"HTTP/1.1 400 Bad Request\r\n\r\n", "*-7\r\n", "+OK\r\n+OK\r\n"}) {
      listening_socket door = listen_on(transport::tcp);
      result<redis_connection> cache =
          co_await redis_connection::connect(redis_options(address(door.to(), door.address_bytes)));
      EXPECT_TRUE(cache);
      const descriptor served(::accept4(door.socket.get(), nullptr, nullptr, SOCK_CLOEXEC));
      auto answers = [&]() -> task<> {
        co_await turns(2);
        send_text(served.get(), answer);
      };
      auto [reply, done] = co_await when_all(cache->command("PING"), answers());
      if (reply) reply = co_await cache->command("PING"); // the one that nobody asked for came before
      EXPECT_TRUE(!reply && reply.error() == errc::protocol) << answer;
      EXPECT_EQ(cache->state(), connection_state::broken);
    }
  });
}

TEST_P(redis_wire_test, an_array_takes_memory_for_what_has_come_and_not_for_what_is_announced) {
  run([&]() -> task<> {
    listening_socket door = listen_on(transport::tcp);
    result<redis_connection> cache =
        co_await redis_connection::connect(redis_options(address(door.to(), door.address_bytes)));
    descriptor served(::accept4(door.socket.get(), nullptr, nullptr, SOCK_CLOEXEC));
    auto announces = [&]() -> task<> {
      co_await turns(2);
      send_text(served.get(), "*2000000000\r\n:1\r\n");
      ::shutdown(served.get(), SHUT_WR);
    };
    auto [reply, done] = co_await when_all(cache->command("PING"), announces());
    EXPECT_TRUE(!reply && reply.error() == std::errc::connection_reset);
  });
}

TEST_P(redis_wire_test, a_reset_fails_all_in_flight_and_names_the_server) {
  run([&]() -> task<> {
    listening_socket door = listen_on(transport::tcp);
    const address at(door.to(), door.address_bytes);
    result<redis_connection> cache = co_await redis_connection::connect(redis_options(at));
    descriptor served(::accept4(door.socket.get(), nullptr, nullptr, SOCK_CLOEXEC));
    auto asks = [&]() -> task<> {
      result<redis_reply> answer = co_await cache->command("PING");
      EXPECT_TRUE(!answer && answer.error() == std::errc::connection_reset);
      EXPECT_NE(answer.error().message().find(at.to_string()), std::string::npos) << answer.error().message();
    };
    auto resets = [&]() -> task<> {
      co_await turns(3);
      const linger at_once{1, 0};
      ::setsockopt(served.get(), SOL_SOCKET, SO_LINGER, &at_once, sizeof(at_once));
      served.reset();
    };
    co_await when_all(asks(), asks(), asks(), resets());
    EXPECT_EQ(cache->state(), connection_state::broken);
  });
}

INSTANTIATE_TEST_SUITE_P(backends, redis_wire_test, on_each_backend(), name_of_backend);

class redis_pool_test : public redis_connection_test {
 protected:
  static constexpr int tasks = 1000;
  static constexpr std::size_t connections = 20;

  static connection_pool_options quick() {
    connection_pool_options options(connections);
    options.backoff_base = 2ms;
    options.backoff_max = 20ms;
    options.recover_max = 10ms;
    return options;
  }
  redis_pool::connector connects() {
    return [this] { return redis_connection::connect(over_unix()); };
  }

  /// The server is asked for something that only this task asks for. Until it works.
  task<> is_answered(redis_pool& pool, int number) {
    auto attempt = [&]() -> task<result<redis_reply>> {
      result<redis_pool::lease> cache = co_await pool.acquire();
      if (!cache) co_return fail(cache.error());
      co_return co_await (*cache)->command("ECHO", number);
    };
    auto noted = [&]() -> task<result<redis_reply>> {
      result<redis_reply> answer = co_await attempt();
      if (!answer) failures.insert(answer.error().message());
      co_return answer;
    };
    retry_policy patient(10000, 1ms, 20ms);
    patient.is_worth_it =
        [](const error& why) noexcept { // a unix-domain socket that is gone is "no such file"
          return is_transient(why) || why == std::errc::no_such_file_or_directory;
        };
    result<redis_reply> answer = co_await retry(patient, noted);
    EXPECT_TRUE(answer && answer->text() == std::to_string(number))
        << (answer ? "" : answer.error().message());
    ++answered;
  }

  task<> is_given_up(redis_pool& pool) {
    result<redis_pool::lease> cache = co_await pool.acquire();
    EXPECT_TRUE(cache);
    if (!cache) co_return;
    result<redis_reply> late = co_await with_deadline(1ms, (*cache)->command("BLPOP", "nothing", 0));
    EXPECT_TRUE(!late && late.error().is_timeout());
  }

  task<> serves_a_thousand_and_gives_up_some() {
    redis_connection first = co_await connected(over_unix());
    redis_pool pool(quick(), connects());
    std::vector<task<>> all;
    for (int i = 0; i < tasks; ++i) all.push_back(i % 50 == 1 ? is_given_up(pool) : is_answered(pool, i));
    co_await when_all(std::move(all));
    EXPECT_LE(pool.size(), connections);
    EXPECT_GT(pool.counters().closed, 0u); // who waits for ever at the server is thrown away
    co_await pool.close();
  }

  task<> outlives_a_restart() {
    redis_pool pool(quick(), connects());
    failures.clear();
    answered = 0;
    std::vector<task<>> all;
    for (int i = 0; i < tasks; ++i) all.push_back(is_answered(pool, i));
    auto restart = [&]() -> task<> {
      co_await until([&] { return answered >= 100; });
      server->stop();
      co_await until([&] { return !failures.empty(); });
      server->start();
    };
    co_await when_all(when_all(std::move(all)), restart());
    EXPECT_EQ(answered, tasks);
    for (const std::string& each : failures) EXPECT_NE(each.find(server->path()), std::string::npos) << each;
    co_await pool.close();
  }

  std::set<std::string> failures;
  int answered = 0;
};

TEST_F(redis_pool_test, serves_a_thousand_tasks_with_deadlines_and_through_a_restart) {
  with_server([&] {
    run(serves_a_thousand_and_gives_up_some());
    run(outlives_a_restart());
  });
}

} // namespace
} // namespace weir::test
