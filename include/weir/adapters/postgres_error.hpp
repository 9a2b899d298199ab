// Errors of PostgreSQL: the SQLSTATE of the server as an error_code, so that a failed statement is a
// weir::error like any other. Its endpoint is the server's, followed by the server's own words:
// `query /run/postgresql:5432/shop: duplicate key value …: SQLSTATE 23505`.
//
//   if (!inserted && sqlstate_of(inserted.error()) == "23505") … // unique_violation
//
// Portable conditions: a server that shuts down or is gone is std::errc::connection_reset, one that starts
// up is connection_refused, too many connections, a deadlock and a serialization failure are
// resource_unavailable_try_again, so that `retry` tells what is worth another attempt. 57014, a statement
// that the server ended by itself (statement_timeout), is no cancellation of ours and equal to none of them.
// Thread rule: values. Source: PostgreSQL 15, Appendix A.
#pragma once

#include <weir/base/error.hpp>

#include <string>
#include <string_view>
#include <system_error>

namespace weir {

const std::error_category& postgres_category() noexcept;

/// Of five characters 0-9, A-Z.
std::error_code sqlstate_code(std::string_view sqlstate) noexcept;
/// Empty where the error is none of the server's.
std::string sqlstate_of(const error& why);

/// What the server said of the last statement that failed.
struct postgres_diagnosis {
  std::string severity;
  std::string sqlstate;
  std::string message;
  std::string detail;
  std::string hint;
  std::string constraint;
  std::string position; ///< in the statement, from 1; empty where it does not say
};

} // namespace weir
