// postgres_session: one connection of libpq and what it is in the middle of. Every wait of the connection is
// in here, and every way in which a statement can end: answered, failed, given up, lost.
//
// Thread rule: the loop's thread. Lifetime: outlives its coroutines.
#pragma once

#include "postgres_cancel.hpp"
#include "postgres_collector.hpp"

#include <weir/adapters/pool_options.hpp>
#include <weir/adapters/postgres_connection.hpp>
#include <weir/adapters/postgres_error.hpp>
#include <weir/async/task.hpp>
#include <weir/base/result.hpp>

#include <libpq-fe.h>

#include <memory>
#include <optional>
#include <string>
#include <string_view>

namespace weir {

class postgres_session {
 public:
  postgres_session(PGconn* connection, postgres_options options) noexcept;
  postgres_session(const postgres_session&) = delete;
  postgres_session& operator=(const postgres_session&) = delete;

  task<result<>> establish();

  connection_state state() noexcept;
  /// Until nothing is left of a statement that was given up.
  task<result<>> settle();

  /// Whether a statement may begin now.
  result<> may_begin(const char* operation) const;
  /// Sends everything that libpq holds, and reads meanwhile: a server that is stuck in sending reads nothing.
  task<result<>> flush();
  /// The next answer to the statement that was sent; empty behind the last.
  task<result<pg_result_handle>> next_answer();
  /// Until there is something to read, and libpq has it.
  task<result<>> receive();

  error failure_of(const PGresult& answer, const char* operation);
  /// The connection itself failed: from here on it is broken.
  error lost(const char* operation);
  error local_failure(errc why, const char* operation) const { return error(why, operation).at(endpoint_); }

  PGconn& connection() noexcept { return *connection_; }
  const postgres_options& options() const noexcept { return options_; }
  const postgres_diagnosis& diagnosis() const noexcept { return diagnosis_; }
  const std::string& endpoint() const noexcept { return endpoint_; }
  int socket() const noexcept { return ::PQsocket(connection_.get()); }
  bool is_broken() const noexcept { return stage_ == stage::broken; }
  void set_broken() noexcept { stage_ = stage::broken; }

 private:
  task<result<>> drain();
  friend class postgres_exchange;
  enum class stage : std::uint8_t { idle, exchanging, given_up, settling, broken };

  void give_up() noexcept;
  void describe_endpoint();

  struct finish {
    void operator()(PGconn* unwanted) const noexcept { ::PQfinish(unwanted); }
  };
  std::unique_ptr<PGconn, finish> connection_;
  postgres_options options_;
  blocking_pool& pool_;
  postgres_cancel cancel_; ///< of what was given up
  postgres_diagnosis diagnosis_;
  std::string endpoint_;
  stage stage_ = stage::idle;
  bool is_established_ = false;
};

/// The time of one statement on the connection. Ending before the last answer was taken gives it up: the
/// server is asked to stop, and the rest is dropped before the next statement.
class postgres_exchange {
 public:
  explicit postgres_exchange(postgres_session& on) noexcept : on_(on) {
    on_.stage_ = postgres_session::stage::exchanging;
  }
  postgres_exchange(const postgres_exchange&) = delete;
  postgres_exchange& operator=(const postgres_exchange&) = delete;
  ~postgres_exchange() {
    if (on_.stage_ == postgres_session::stage::exchanging) on_.give_up();
  }
  /// The last answer was taken, or nothing was sent.
  void end() noexcept {
    if (on_.stage_ == postgres_session::stage::exchanging) on_.stage_ = postgres_session::stage::idle;
  }

 private:
  postgres_session& on_;
};

} // namespace weir
