#include "postgres_exchange.hpp"

#include <optional>
#include <utility>
#include <vector>

namespace weir {
namespace {

/// The parameters as libpq takes them. Valid as long as the statement.
struct parameter_arrays {
  explicit parameter_arrays(const postgres_statement& of) {
    for (const postgres_parameter& each : of.parameters) {
      constexpr Oid oid_of_bytea = 17; // pg_type.dat
      types.push_back(each.is_binary() ? oid_of_bytea : 0);
      values.push_back(each.is_null() ? nullptr : each.value().c_str());
      sizes.push_back(each.is_null() ? 0 : static_cast<int>(each.value().size()));
      formats.push_back(each.is_binary() ? 1 : 0);
    }
  }

  std::vector<Oid> types;
  std::vector<const char*> values;
  std::vector<int> sizes;
  std::vector<int> formats;
};

result<> check(const postgres_session& on, const postgres_statement& what) {
  constexpr std::size_t parameters_max = 65535; // the protocol counts them in 16 bits
  if (what.parameters.size() > parameters_max)
    return fail(on.local_failure(errc::invalid_argument, "query with too many parameters"));
  for (const postgres_parameter& each : what.parameters) {
    if (!each.is_null() && !each.is_binary() && each.value().find('\0') != std::string::npos)
      return fail(on.local_failure(errc::invalid_argument, "query with a zero byte in a text parameter"));
  }
  return {};
}

result<> send(postgres_session& on, const postgres_statement& what, postgres_exchange& exchange) {
  if (result<> checked = check(on, what); !checked) {
    exchange.end(); // nothing was sent
    return checked;
  }
  const parameter_arrays as(what);
  const auto count = static_cast<int>(what.parameters.size());
  constexpr int text_results = 0;
  const int sent =
      what.is_prepared
          ? ::PQsendQueryPrepared(&on.connection(), what.text.c_str(), count, as.values.data(),
                                  as.sizes.data(), as.formats.data(), text_results)
          : ::PQsendQueryParams(&on.connection(), what.text.c_str(), count, as.types.data(), as.values.data(),
                                as.sizes.data(), as.formats.data(), text_results);
  if (!sent) return fail(on.lost("query"));
  ::PQsetSingleRowMode(&on.connection());
  return {};
}

/// What one answer adds to the result, or why there will be none.
std::optional<error> take(postgres_session& on, PGresult& answer, postgres_collector& rows) {
  switch (::PQresultStatus(&answer)) {
  case PGRES_SINGLE_TUPLE:
    rows.add_rows(answer);
    return {};
  case PGRES_TUPLES_OK:
    rows.add_rows(answer);
    rows.add_tag(answer);
    return {};
  case PGRES_COMMAND_OK:
    rows.add_tag(answer);
    return {};
  case PGRES_EMPTY_QUERY:
    return {};
  case PGRES_COPY_IN:
  case PGRES_COPY_OUT:
  case PGRES_COPY_BOTH:
    on.set_broken(); // it would wait for rows, or send them, in a protocol of its own
    return error(std::errc::not_supported, "query with COPY").at(on.endpoint());
  default:
    return on.failure_of(answer, "query");
  }
}

/// One answer more. True: it was the last, or nothing can follow; `failure` is the first one, which tells
/// more than what follows from it.
task<bool> take_next(postgres_session& on, postgres_collector& rows, std::optional<error>& failure,
                     postgres_exchange& exchange) {
  result<pg_result_handle> answer = co_await on.next_answer();
  if (!answer) {
    if (!failure || answer.error().is_cancelled()) failure = std::move(answer).error();
    co_return true;
  }
  if (!*answer) {
    exchange.end();
    co_return true;
  }
  if (std::optional<error> why = take(on, **answer, rows); why && !failure) failure = std::move(why);
  co_return on.is_broken();
}

} // namespace

task<result<postgres_result>> run_statement(postgres_session& on, postgres_statement what) {
  result<> step = co_await on.settle();
  if (!step) co_return fail(std::move(step).error());
  postgres_exchange exchange(on);
  step = send(on, what, exchange);
  if (step) step = co_await on.flush();
  if (!step) co_return fail(std::move(step).error());

  postgres_collector rows;
  std::optional<error> failure;
  for (bool is_last = false; !is_last;) {
    is_last = co_await take_next(on, rows, failure, exchange);
    if (rows.size_bytes() > on.options().result_bytes_max)
      co_return fail(on.local_failure(errc::limit_reached, "query: result_bytes_max"));
  }
  if (failure) co_return fail(std::move(*failure));
  co_return rows.take();
}

postgres_stream stream_statement(postgres_session& on, postgres_statement what) {
  result<> step = co_await on.settle();
  if (!step) {
    co_yield fail(std::move(step).error());
    co_return;
  }
  postgres_exchange exchange(on);
  step = send(on, what, exchange);
  if (step) step = co_await on.flush();
  std::optional<error> failure;
  if (!step) failure = std::move(step).error();

  postgres_collector rows;
  constexpr std::size_t rows_max = 1000; // nulls have no bytes
  for (bool is_last = failure.has_value(); !is_last;) {
    is_last = co_await take_next(on, rows, failure, exchange);
    const bool is_full = rows.size_bytes() >= on.options().batch_bytes || rows.rows() >= rows_max;
    const bool would_wait = !is_last && rows.rows() > 0 && ::PQisBusy(&on.connection());
    if (failure || is_last || !(is_full || would_wait)) continue;
    result<> wanted = co_yield rows.take();
    if (!wanted) co_return; // the exchange gives up what is left
  }
  if (failure)
    co_yield fail(std::move(*failure));
  else
    co_yield rows.take();
}

task<result<>> prepare_statement(postgres_session& on, std::string name, std::string sql) {
  result<> step = co_await on.settle();
  if (!step) co_return step;
  postgres_exchange exchange(on);
  if (!::PQsendPrepare(&on.connection(), name.c_str(), sql.c_str(), 0, nullptr))
    co_return fail(on.lost("prepare"));
  step = co_await on.flush();
  if (!step) co_return step;
  postgres_collector no_rows;
  std::optional<error> failure;
  for (bool is_last = false; !is_last;) is_last = co_await take_next(on, no_rows, failure, exchange);
  if (failure) co_return fail(std::move(*failure));
  co_return result<>();
}

task<result<postgres_notification>> next_notification(postgres_session& on) {
  struct free_notify {
    void operator()(PGnotify* unwanted) const noexcept { ::PQfreemem(unwanted); }
  };
  result<> step = co_await on.settle();
  while (step) {
    const std::unique_ptr<PGnotify, free_notify> next(::PQnotifies(&on.connection()));
    if (next) co_return postgres_notification(next->relname, next->extra, next->be_pid);
    step = co_await on.receive();
  }
  co_return fail(std::move(step).error());
}

task<result<>> recover_session(postgres_session& on) {
  result<> settled = co_await on.settle();
  if (!settled) co_return settled;
  if (::PQtransactionStatus(&on.connection()) == PQTRANS_IDLE) co_return result<>();
  result<postgres_result> rolled_back = co_await run_statement(on, postgres_statement("rollback"));
  if (!rolled_back) co_return fail(std::move(rolled_back).error());
  co_return result<>();
}

} // namespace weir
