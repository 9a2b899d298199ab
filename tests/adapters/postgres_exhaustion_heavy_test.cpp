// What a connection to PostgreSQL needs fails once at each place: the connection is lost, or the statement
// fails.
#include "exhausted_server.hpp"

#include <weir/adapters/connection_pool.hpp>
#include <weir/adapters/postgres_connection.hpp>

namespace weir::test {
namespace {

class postgres_exhaustion_heavy : public exhausted_server<postgres_server> {
 protected:
  void SetUp() override {
    exhausted_server::SetUp();
    if (IsSkipped()) return;
    wait_for_server([] { return postgres_connection::connect(postgres_options(server().over_unix())); });
  }
};

task<result<>> use_postgres(std::string conninfo) {
  result<postgres_connection> db =
      co_await postgres_connection::connect(postgres_options(std::move(conninfo)));
  if (!db) co_return fail(db.error());
  result<postgres_result> got = co_await db->query("select $1::int + 1, $2::text", 41, "word");
  if (!got) co_return fail(got.error());
  EXPECT_EQ(got->number<int>(0, 0), 42);
  result<> step = co_await db->prepare("two", "select 2");
  if (!step) co_return step;
  got = co_await db->query_prepared("two");
  if (!got) co_return fail(got.error());
  co_return result<>();
}

TEST_P(postgres_exhaustion_heavy, of_statements_is_an_error) {
  const std::string conninfo = server().over_unix();
  fail_each_step_of([&] { return within_patience(use_postgres(conninfo)); });
}

/// The first batch, and then no more: what is left is given up.
task<result<>> begin_to_stream(postgres_connection& db) {
  auto rows = db.stream("select repeat('x', 100) from generate_series(1, 3000)");
  std::optional<result<postgres_result>> batch = co_await rows.next();
  if (!batch) co_return fail(errc::protocol, "a stream without rows");
  if (!*batch) co_return fail(batch->error());
  co_return result<>();
}

task<result<>> give_up_statements(std::string conninfo) {
  result<postgres_connection> db =
      co_await postgres_connection::connect(postgres_options(std::move(conninfo)));
  if (!db) co_return fail(db.error());
  result<> step = co_await begin_to_stream(*db);
  if (!step) co_return step;
  result<postgres_result> late = co_await with_deadline(5ms, db->query("select pg_sleep(0.2)"));
  if (!late && !late.error().is_timeout()) co_return fail(late.error());
  co_return co_await db->recover();
}

class postgres_giving_up_heavy : public postgres_exhaustion_heavy {};
TEST_P(postgres_giving_up_heavy, is_an_error) {
  const std::string conninfo = server().over_unix();
  fail_each_step_of([&] { return within_patience(give_up_statements(conninfo)); });
}

using pool_of_exhaustion = connection_pool<postgres_connection>;

task<result<>> query_from(pool_of_exhaustion& pool) {
  result<pool_of_exhaustion::lease> db = co_await pool.acquire();
  if (!db) co_return fail(db.error());
  result<postgres_result> got = co_await (**db).query("select 1");
  if (!got) co_return fail(got.error());
  co_return result<>();
}

/// A pool must be closed, also by a program that has no memory for a moment.
task<> close_for_sure(pool_of_exhaustion& pool) {
  bool is_closed = false;
  for (int attempts = 0; attempts < 100 && !is_closed; ++attempts) {
    try {
      result<> closed = co_await pool.close();
      is_closed = closed.has_value();
    } catch (const std::bad_alloc&) {
    }
  }
}

task<result<>> use_a_pool(std::string conninfo) {
  const auto connect = [&conninfo] { return postgres_connection::connect(postgres_options(conninfo)); };
  connection_pool_options options(1);
  options.backoff_base = options.backoff_max = 1ms;
  pool_of_exhaustion pool(options, connect);
  task<> closing = close_for_sure(pool); // made now: there may be no memory for its frame later
  result<> outcome = fail(std::errc::not_enough_memory, "pool");
  std::exception_ptr thrown;
  try {
    outcome = co_await side_by_side(query_from(pool), query_from(pool));
  } catch (...) {
    thrown = std::current_exception();
  }
  co_await std::move(closing);
  if (thrown) std::rethrow_exception(thrown);
  co_return outcome;
}

TEST_P(postgres_exhaustion_heavy, of_a_pool_is_an_error_of_who_waits) {
  const std::string conninfo = server().over_unix();
  fail_each_step_of([&] { return within_patience(use_a_pool(conninfo)); });
}

INSTANTIATE_TEST_SUITE_P(each, postgres_exhaustion_heavy,
                         each_of(fault_kind::allocation, fault_kind::system_call, fault_kind::operation),
                         name_of_fault);
INSTANTIATE_TEST_SUITE_P(each, postgres_giving_up_heavy,
                         each_of(fault_kind::allocation, fault_kind::system_call, fault_kind::offloaded_call,
                                 fault_kind::operation),
                         name_of_fault);

} // namespace
} // namespace weir::test
