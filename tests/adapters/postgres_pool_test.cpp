// A thousand tasks over a pool of twenty connections to a real PostgreSQL, which is restarted in the middle:
// one test case, since making a database takes a second.
#include "server_test.hpp"

#include <weir/adapters/connection_pool.hpp>
#include <weir/adapters/postgres_connection.hpp>
#include <weir/async/retry.hpp>

#include <set>
#include <vector>

namespace weir::test {
namespace {

using postgres_pool = connection_pool<postgres_connection>;

class postgres_pool_test : public server_test<postgres_server> {
 protected:
  static constexpr int tasks = 1000;
  static constexpr std::size_t connections = 20;

  static connection_pool_options quick() {
    connection_pool_options options(connections);
    options.backoff_base = 2ms;
    options.backoff_max = 20ms;
    options.recover_max = 1h; // a machine that is busy must not look like a connection that is
    return options;
  }

  postgres_pool::connector connects() {
    return [this] { return postgres_connection::connect(postgres_options(server->over_unix())); };
  }

  /// Twice the number, computed by the server. Notes which of the server's processes did it.
  task<result<int>> ask_for_double(postgres_pool& pool, int number) {
    result<postgres_pool::lease> db = co_await pool.acquire();
    if (!db) co_return fail(db.error());
    result<postgres_result> got = co_await (*db)->query("select $1::int * 2", number);
    if (!got) co_return fail(got.error());
    processes.insert((*db)->server_process());
    const std::optional<int> value = got->number<int>(0, 0);
    co_return value ? *value : -1;
  }

  /// Until it works: passing failures are tried again.
  task<> is_answered(postgres_pool& pool, int number) {
    auto attempt = [&]() -> task<result<int>> {
      result<int> answer = co_await ask_for_double(pool, number);
      if (!answer) failures.insert(answer.error().code().message());
      EXPECT_TRUE(answer || is_transient(answer.error())) << answer.error().message();
      co_return answer;
    };
    result<int> answer = co_await retry(retry_policy(10000, 1ms, 20ms), attempt);
    EXPECT_TRUE(answer && *answer == 2 * number) << (answer ? "" : answer.error().message());
    ++answered;
  }

  /// What nobody waits for to its end.
  task<> is_given_up(postgres_pool& pool) {
    result<postgres_pool::lease> db = co_await pool.acquire();
    EXPECT_TRUE(db);
    if (!db) co_return;
    result<postgres_result> late = co_await with_deadline(2ms, (*db)->query("select pg_sleep(3600)"));
    EXPECT_TRUE(!late && late.error().is_timeout());
  }

  task<> serves_a_thousand() {
    processes.clear();
    postgres_pool pool(quick(), connects());
    std::vector<task<>> all;
    for (int i = 0; i < tasks; ++i) all.push_back(is_answered(pool, i));
    co_await when_all(std::move(all));
    EXPECT_LE(pool.size(), connections);
    EXPECT_LE(processes.size(), connections);
    co_await pool.close();
  }

  task<> gives_up_some_and_serves_the_others() {
    postgres_pool pool(quick(), connects());
    co_await is_answered(pool, 0);
    std::vector<task<>> all;
    for (int i = 1; i < tasks; ++i) all.push_back(i % 50 == 0 ? is_given_up(pool) : is_answered(pool, i));
    co_await when_all(std::move(all));
    co_await until([&] { return pool.idle() == pool.size(); });
    EXPECT_EQ(pool.counters().recovered, std::uint64_t{(tasks - 1) / 50});
    EXPECT_EQ(pool.counters().closed, 0u); // what was given up is used again, and never dirty
    co_await pool.close();
  }

  task<> outlives_a_restart() {
    postgres_pool pool(quick(), connects());
    failures.clear();
    answered = 0;
    std::vector<task<>> all;
    for (int i = 0; i < tasks; ++i) all.push_back(is_answered(pool, i));
    auto restart = [&]() -> task<> {
      co_await until([&] { return answered >= tasks / 4; });
      server->stop();
      co_await until([&] { return !failures.empty(); });
      server->start();
    };
    co_await when_all(when_all(std::move(all)), restart());
    EXPECT_EQ(answered, tasks);
    EXPECT_GT(pool.counters().failed, 0u);
    co_await pool.close();
  }

  std::set<int> processes;
  std::set<std::string> failures;
  int answered = 0;
};

TEST_F(postgres_pool_test, serves_a_thousand_tasks_with_deadlines_and_through_a_restart) {
  with_server([&] {
    run(serves_a_thousand());
    run(gives_up_some_and_serves_the_others());
    run(outlives_a_restart());
  });
}

} // namespace
} // namespace weir::test
