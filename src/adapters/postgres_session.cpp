#include "postgres_session.hpp"

#include <weir/async/with_deadline.hpp>
#include <weir/io/loop.hpp>
#include <weir/os/readiness.hpp>

#include <poll.h>

#include <algorithm>
#include <chrono>
#include <utility>

namespace weir {
namespace {

/// How long the server may take to end a statement before it is asked once more.
constexpr std::chrono::seconds cancel_again_after{1};

/// libpq's messages are made for a terminal.
std::string in_one_line(std::string_view message) {
  std::string line;
  for (const char c : message) {
    if (c != '\n')
      line += c == '\t' ? ' ' : c;
    else if (!line.ends_with(' '))
      line += ' ';
  }
  while (line.ends_with(' ')) line.pop_back();
  return line;
}

/// "FATAL:  57P03: the database …": while it connects libpq gives the SQLSTATE in its text only.
std::optional<std::string_view> sqlstate_in(std::string_view message) noexcept {
  const auto is_of_sqlstate = [](char c) { return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z'); };
  for (auto at = message.find(":  "); at != std::string_view::npos; at = message.find(":  ", at + 1)) {
    const std::string_view candidate = message.substr(at + 3, 5);
    const bool is_whole = candidate.size() == 5 && message.substr(at + 8).starts_with(':');
    if (is_whole && std::ranges::all_of(candidate, is_of_sqlstate)) return candidate;
  }
  return {};
}

void tell_of_notice(void* session, const PGresult* notice) {
  const auto& told = static_cast<postgres_session*>(session)->options().on_notice;
  const char* text = ::PQresultErrorField(notice, PG_DIAG_MESSAGE_PRIMARY);
  if (told && text) told(text);
}

std::string field_of(const PGresult& answer, int field) {
  const char* text = ::PQresultErrorField(&answer, field);
  return text ? text : "";
}

bool is_copy(const PGresult& answer) noexcept {
  const ExecStatusType status = ::PQresultStatus(&answer);
  return status == PGRES_COPY_IN || status == PGRES_COPY_OUT || status == PGRES_COPY_BOTH;
}

bool has_peer_gone(int socket) noexcept {
  pollfd look{socket, POLLRDHUP, 0};
  return ::poll(&look, 1, 0) != 0; // hung up, or failed: nothing else was asked for
}

} // namespace

postgres_session::postgres_session(PGconn* connection, postgres_options options) noexcept
    : connection_(connection), options_(std::move(options)), pool_(loop::current()->blocking()) {
  ::PQsetErrorVerbosity(connection, PQERRORS_VERBOSE);
  ::PQsetNoticeReceiver(connection, tell_of_notice, this);
}

void postgres_session::describe_endpoint() {
  const auto text = [](const char* maybe) { return std::string(maybe ? maybe : ""); };
  endpoint_ =
      text(::PQhost(&connection())) + ":" + text(::PQport(&connection())) + "/" + text(::PQdb(&connection()));
}

task<result<>> postgres_session::establish() {
  PostgresPollingStatusType wanted = PGRES_POLLING_WRITING;
  if (::PQstatus(&connection()) == CONNECTION_BAD) wanted = PGRES_POLLING_FAILED;
  while (wanted == PGRES_POLLING_READING || wanted == PGRES_POLLING_WRITING) {
    const readiness awaited = wanted == PGRES_POLLING_READING ? readiness::readable : readiness::writable;
    result<readiness> seen = co_await ready(socket(), awaited); // another socket, maybe, at each step
    if (!seen) co_return fail(std::move(seen).error());
    wanted = ::PQconnectPoll(&connection());
  }
  describe_endpoint();
  if (wanted == PGRES_POLLING_FAILED) co_return fail(lost("connect"));
  ::PQsetnonblocking(&connection(), 1);
  is_established_ = true;
  co_return result<>();
}

connection_state postgres_session::state() noexcept {
  if (stage_ == stage::broken || ::PQstatus(&connection()) != CONNECTION_OK || has_peer_gone(socket()))
    return connection_state::broken;
  const bool is_clean = stage_ == stage::idle && ::PQtransactionStatus(&connection()) == PQTRANS_IDLE;
  return is_clean ? connection_state::ready : connection_state::dirty;
}

result<> postgres_session::may_begin(const char* operation) const {
  if (stage_ == stage::broken) return fail(local_failure(errc::closed, operation));
  if (stage_ == stage::exchanging || stage_ == stage::settling)
    return fail(error(std::errc::device_or_resource_busy, operation).at(endpoint_));
  return {};
}

void postgres_session::give_up() noexcept {
  if (::PQstatus(&connection()) != CONNECTION_OK) return set_broken();
  stage_ = stage::given_up;
  cancel_ = postgres_cancel::begin(connection(), pool_);
}

/// Asks again as long as the server goes on: a request may have come before the statement it was to end.
task<result<>> postgres_session::settle() {
  if (stage_ != stage::given_up) co_return may_begin("settle");
  stage_ = stage::settling; // a second one would take the answers of whoever goes on first
  const struct settling {
    explicit settling(postgres_session& in) noexcept : session(in) {}
    ~settling() {
      if (session.stage_ == stage::settling) session.stage_ = stage::given_up;
    }
    postgres_session& session;
  } until_its_end(*this);
  for (;;) {
    if (cancel_) {
      result<> ended = co_await readable(cancel_.descriptor_of_end());
      if (!ended) co_return ended;
      cancel_ = postgres_cancel();
    }
    result<> drained = co_await with_deadline(cancel_again_after, drain());
    if (drained) break;
    if (!drained.error().is_timeout()) co_return drained;
    cancel_ = postgres_cancel::begin(connection(), pool_);
  }
  stage_ = stage::idle;
  co_return result<>();
}

/// Drops what still comes of the statement that was given up.
task<result<>> postgres_session::drain() {
  result<> flushed = co_await flush();
  if (!flushed) co_return flushed;
  for (;;) {
    result<pg_result_handle> rest = co_await next_answer();
    if (!rest) co_return fail(std::move(rest).error());
    if (!*rest) co_return result<>();
    if (is_copy(**rest)) set_broken(); // it would wait for rows that nobody sends
    if (stage_ == stage::broken) co_return fail(local_failure(errc::closed, "settle"));
  }
}

task<result<>> postgres_session::flush() {
  for (;;) {
    const int left = ::PQflush(&connection());
    if (left <= 0) co_return result<>(); // broken: what the server said before is still to be read
    result<readiness> seen = co_await ready(socket(), readiness::readable | readiness::writable);
    if (!seen) co_return fail(std::move(seen).error());
    const bool has_input = any(*seen & ~readiness::writable);
    if (has_input && !::PQconsumeInput(&connection())) co_return result<>();
  }
}

task<result<>> postgres_session::receive() {
  result<> woken = co_await readable(socket());
  if (!woken) co_return woken;
  if (!::PQconsumeInput(&connection())) co_return fail(lost("receive"));
  co_return result<>();
}

task<result<pg_result_handle>> postgres_session::next_answer() {
  while (::PQisBusy(&connection())) {
    result<> woken = co_await readable(socket());
    if (!woken) co_return fail(std::move(woken).error());
    if (!::PQconsumeInput(&connection())) break; // PQgetResult has the last words, and does not wait
  }
  pg_result_handle answer(::PQgetResult(&connection()));
  if (!answer && ::PQstatus(&connection()) != CONNECTION_OK) co_return fail(lost("receive"));
  co_return answer;
}

error postgres_session::failure_of(const PGresult& answer, const char* operation) {
  diagnosis_ = postgres_diagnosis();
  diagnosis_.severity = field_of(answer, PG_DIAG_SEVERITY_NONLOCALIZED);
  diagnosis_.sqlstate = field_of(answer, PG_DIAG_SQLSTATE);
  diagnosis_.message = field_of(answer, PG_DIAG_MESSAGE_PRIMARY);
  diagnosis_.detail = field_of(answer, PG_DIAG_MESSAGE_DETAIL);
  diagnosis_.hint = field_of(answer, PG_DIAG_MESSAGE_HINT);
  diagnosis_.constraint = field_of(answer, PG_DIAG_CONSTRAINT_NAME);
  diagnosis_.position = field_of(answer, PG_DIAG_STATEMENT_POSITION);
  if (diagnosis_.message.empty()) diagnosis_.message = in_one_line(::PQresultErrorMessage(&answer));
  const std::string where = endpoint_ + ": " + diagnosis_.message;
  if (diagnosis_.sqlstate.empty()) return error(std::errc::connection_reset, operation).at(where);
  return error(sqlstate_code(diagnosis_.sqlstate), operation).at(where);
}

error postgres_session::lost(const char* operation) {
  set_broken();
  const std::string message = in_one_line(::PQerrorMessage(&connection()));
  const std::string where = endpoint_ + ": " + message;
  if (const auto sqlstate = sqlstate_in(message)) return error(sqlstate_code(*sqlstate), operation).at(where);
  const auto why = is_established_ ? std::errc::connection_reset : std::errc::connection_refused;
  return error(why, operation).at(where);
}

} // namespace weir
