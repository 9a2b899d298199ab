// The examples of docs/databases.md that need PostgreSQL, as they stand there; docs_test.py compares.
#pragma once

#include <weir/adapters/connection_pool.hpp>
#include <weir/adapters/postgres_connection.hpp>
#include <weir/async/shield.hpp>
#include <weir/async/with_deadline.hpp>

#include <chrono>
#include <optional>
#include <string>

namespace weir::test {
namespace {

using namespace std::chrono_literals;

task<result<std::string>> name_of(postgres_connection& db, int id) {
  result<postgres_result> found = co_await db.query("select name from item where id = $1", id);
  if (!found) co_return fail(found.error()); // "query /run/postgresql:5432/shop: …: SQLSTATE 42P01"
  if (found->empty()) co_return std::string("nobody");
  co_return std::string(found->text(0, 0));
}

task<result<long>> sum_of_prices(postgres_connection& db) {
  postgres_stream items = db.stream("select price from item");
  long sum = 0;
  for (;;) {
    std::optional<result<postgres_result>> batch = co_await items.next();
    if (!batch) co_return sum; // that was all
    if (!*batch) co_return fail(batch->error());
    for (std::size_t row = 0; row < (*batch)->rows(); ++row)
      sum += (*batch)->number<long>(row, 0).value_or(0);
  }
}

task<result<std::string>> from_the_pool(connection_pool<postgres_connection>& pool, int id) {
  result<connection_pool<postgres_connection>::lease> db = co_await pool.acquire();
  if (!db) co_return fail(db.error()); // the server's: nobody waits in the dark while it is down
  co_return co_await with_deadline(2s, name_of(**db, id));
} // the connection goes back

task<result<std::string>> with_a_pool(std::string conninfo) {
  auto connect = [&] { return postgres_connection::connect(postgres_options(conninfo)); };
  connection_pool<postgres_connection> pool(connection_pool_options(20), connect);
  result<std::string> name = co_await from_the_pool(pool, 1);
  co_await shield(pool.close()); // waits for what is out
  co_return name;
}

} // namespace
} // namespace weir::test
