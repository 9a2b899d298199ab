// What statements are on a session: sent, answered, collected or streamed.
#pragma once

#include "postgres_session.hpp"

#include <weir/adapters/postgres_connection.hpp>
#include <weir/async/task.hpp>
#include <weir/base/result.hpp>

#include <string>

namespace weir {

task<result<postgres_result>> run_statement(postgres_session& on, postgres_statement what);
postgres_stream stream_statement(postgres_session& on, postgres_statement what);
task<result<>> prepare_statement(postgres_session& on, std::string name, std::string sql);
task<result<postgres_notification>> next_notification(postgres_session& on);
task<result<>> recover_session(postgres_session& on);

} // namespace weir
