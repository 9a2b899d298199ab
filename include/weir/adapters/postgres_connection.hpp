// postgres_connection: a connection to PostgreSQL, used by coroutines; libpq over the reactor's face of the
// loop, no thread a query.
//
//   result<postgres_connection> db = co_await postgres_connection::connect(postgres_options("dbname=shop"));
//   result<postgres_result> found = co_await db->query("select id from item where name = $1", name);
//
// One statement at a time: a second one while the first runs is std::errc::device_or_resource_busy; many at
// once are many connections (connection_pool.hpp). Cancellation and deadlines: a statement that is given up
// ends at once, and the server is asked to stop it (PQcancel, on a thread of the pool, class user: libpq 15
// blocks there). What is left of it is dropped before the next statement begins, or by `recover`; the
// transaction that it was in has failed. A stream that is destroyed half-way is given up in the same way.
// libpq drops what it cannot send, and waits for the server's last words: give everything a deadline.
// Connecting: names are resolved on the pool (class dns), which a deadline cannot interrupt; of several hosts
// the names after the first hold up the loop: give `hostaddr` there. Certificates and password files are
// read by libpq, which blocks. Errors: SQLSTATE and the server's words (postgres_error.hpp); a connection
// that is lost is std::errc::connection_reset, then errc::closed. Not supported: COPY.
//
// Thread rule: the loop's thread. Lifetime: movable, also while a statement runs; outlives its statements,
// streams and waits. Destroying it closes. Bound: a result of more than `result_bytes_max` is given up as
// errc::limit_reached; a stream holds a batch. Notifications that nobody takes are kept by libpq without a
// bound: listen on a connection that waits for them. Source: PostgreSQL 15, chapter 34.
#pragma once

#include <weir/adapters/pool_options.hpp>
#include <weir/adapters/postgres_error.hpp>
#include <weir/adapters/postgres_parameter.hpp>
#include <weir/adapters/postgres_result.hpp>
#include <weir/async/async_generator.hpp>
#include <weir/async/task.hpp>
#include <weir/base/result.hpp>

#include <cstddef>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace weir {

class postgres_session;

struct postgres_options {
  /// "host=/run/postgresql dbname=shop" or "postgresql://…", as libpq takes it.
  explicit postgres_options(std::string conninfo = {}) : connection_string(std::move(conninfo)) {}

  std::string connection_string;
  std::size_t result_bytes_max = std::size_t{64} << 20; ///< values of a result that is held whole
  std::size_t batch_bytes = std::size_t{64} << 10;      ///< values of a batch of a stream
  std::function<void(std::string_view)> on_notice;      ///< must not throw, nor use the connection
};

struct postgres_statement {
  explicit postgres_statement(std::string sql_or_name, bool prepared = false)
      : text(std::move(sql_or_name)), is_prepared(prepared) {}

  std::string text;
  bool is_prepared; ///< `text` is the name that it was prepared under
  std::vector<postgres_parameter> parameters;
};

struct postgres_notification {
  postgres_notification(std::string to, std::string text, int from)
      : channel(std::move(to)), payload(std::move(text)), process(from) {}

  std::string channel;
  std::string payload;
  int process; ///< of the server, for whoever notified
};

/// Rows as they arrive, in batches; the last one has the command tag. An error is the last of it.
using postgres_stream = async_generator<result<postgres_result>>;

class postgres_connection {
 public:
  postgres_connection(postgres_connection&&) noexcept;
  postgres_connection& operator=(postgres_connection&&) noexcept;
  ~postgres_connection();

  static task<result<postgres_connection>> connect(postgres_options options);

  /// One statement with its parameters, $1 and so on.
  template <class... Parameters>
  task<result<postgres_result>> query(std::string sql, Parameters&&... parameters) {
    return run(statement(postgres_statement(std::move(sql)), std::forward<Parameters>(parameters)...));
  }
  /// Once a connection; then `query_prepared(name, …)` on it.
  task<result<>> prepare(std::string name, std::string sql);
  template <class... Parameters>
  task<result<postgres_result>> query_prepared(std::string name, Parameters&&... parameters) {
    return run(statement(postgres_statement(std::move(name), true), std::forward<Parameters>(parameters)...));
  }
  /// The same without holding all of it: what the consumer does not take stays with the server.
  template <class... Parameters>
  postgres_stream stream(std::string sql, Parameters&&... parameters) {
    return run_stream(statement(postgres_statement(std::move(sql)), std::forward<Parameters>(parameters)...));
  }

  task<result<postgres_result>> run(postgres_statement what);
  postgres_stream run_stream(postgres_statement what);

  /// The next message of the channels that it listens to (`query("listen news")`). Cancelled, it took none.
  task<result<postgres_notification>> notification();

  /// Dirty: a transaction is open, or something is left of a statement that was given up. Asks the kernel
  /// whether the server has gone.
  connection_state state() noexcept;
  /// From dirty to ready: waits for the end of what was given up, and rolls back.
  task<result<>> recover();

  /// Of the last statement that failed.
  const postgres_diagnosis& diagnosis() const noexcept;
  /// "host:port/database"
  const std::string& endpoint() const noexcept;
  /// The server's process.
  int server_process() const noexcept;

 private:
  explicit postgres_connection(std::unique_ptr<postgres_session> established) noexcept;

  template <class... Parameters>
  static postgres_statement statement(postgres_statement of, Parameters&&... parameters) {
    of.parameters.reserve(sizeof...(parameters));
    (of.parameters.emplace_back(std::forward<Parameters>(parameters)), ...);
    return of;
  }

  std::unique_ptr<postgres_session> session_;
};

} // namespace weir
