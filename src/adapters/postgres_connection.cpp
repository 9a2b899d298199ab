#include "postgres_exchange.hpp"
#include "postgres_session.hpp"

#include <weir/adapters/postgres_connection.hpp>
#include <weir/async/offload.hpp>

#include <arpa/inet.h>

#include <algorithm>
#include <array>
#include <cstdlib>

namespace weir {
namespace {

/// Whether libpq would ask a resolver for one of these, separated by commas.
bool has_name(std::string_view hosts) {
  while (!hosts.empty()) {
    const std::size_t comma = std::min(hosts.find(','), hosts.size());
    const std::string host(hosts.substr(0, comma));
    std::array<unsigned char, sizeof(in6_addr)> address;
    const bool is_path = host.empty() || host.starts_with('/') || host.starts_with('@');
    const bool is_number = ::inet_pton(AF_INET, host.c_str(), address.data()) == 1 ||
                           ::inet_pton(AF_INET6, host.c_str(), address.data()) == 1;
    if (!is_path && !is_number) return true;
    hosts.remove_prefix(std::min(comma + 1, hosts.size()));
  }
  return false;
}

bool needs_resolver(const std::string& conninfo) {
  const std::unique_ptr<PQconninfoOption, decltype(&::PQconninfoFree)> parsed(
      ::PQconninfoParse(conninfo.c_str(), nullptr), &::PQconninfoFree);
  if (!parsed) return false; // libpq will say what is wrong with it
  const char* hosts = std::getenv("PGHOST");
  for (const PQconninfoOption* each = parsed.get(); each->keyword; ++each) {
    const std::string_view keyword = each->keyword;
    if (!each->val || !*each->val) continue;
    if (keyword == "hostaddr") return false;
    if (keyword == "service") return true; // a file says where
    if (keyword == "host") hosts = each->val;
  }
  return hosts && has_name(hosts);
}

} // namespace

postgres_connection::postgres_connection(std::unique_ptr<postgres_session> established) noexcept
    : session_(std::move(established)) {}
postgres_connection::postgres_connection(postgres_connection&&) noexcept = default;
postgres_connection& postgres_connection::operator=(postgres_connection&&) noexcept = default;
postgres_connection::~postgres_connection() = default;

task<result<postgres_connection>> postgres_connection::connect(postgres_options options) {
  std::unique_ptr<PGconn, decltype(&::PQfinish)> started(nullptr, &::PQfinish);
  auto start = [&options] { return ::PQconnectStart(options.connection_string.c_str()); };
  if (needs_resolver(options.connection_string)) {
    result<PGconn*> resolved = co_await offload(pool_class::dns, start);
    if (!resolved) co_return fail(std::move(resolved).error());
    started.reset(*resolved);
  } else {
    started.reset(start());
  }
  if (!started) co_return fail(std::errc::not_enough_memory, "connect");
  auto session = std::make_unique<postgres_session>(started.get(), std::move(options));
  (void)started.release(); // the session's from here on
  result<> established = co_await session->establish();
  if (!established) co_return fail(std::move(established).error());
  co_return postgres_connection(std::move(session));
}

// None of these is a coroutine of the object itself, which may be moved meanwhile.

task<result<postgres_result>> postgres_connection::run(postgres_statement what) {
  return run_statement(*session_, std::move(what));
}
postgres_stream postgres_connection::run_stream(postgres_statement what) {
  return stream_statement(*session_, std::move(what));
}
task<result<>> postgres_connection::prepare(std::string name, std::string sql) {
  return prepare_statement(*session_, std::move(name), std::move(sql));
}
task<result<postgres_notification>> postgres_connection::notification() {
  return next_notification(*session_);
}
task<result<>> postgres_connection::recover() {
  return recover_session(*session_);
}

connection_state postgres_connection::state() noexcept {
  return session_->state();
}
const postgres_diagnosis& postgres_connection::diagnosis() const noexcept {
  return session_->diagnosis();
}
const std::string& postgres_connection::endpoint() const noexcept {
  return session_->endpoint();
}
int postgres_connection::server_process() const noexcept {
  return ::PQbackendPID(&session_->connection());
}

} // namespace weir
