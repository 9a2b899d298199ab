// The one error type of weir: what happened (an error_code), during which operation, at which endpoint.
//
// Thread rule: a value, copyable between threads. Size: 40 bytes; copying never allocates, attaching an
// endpoint does.
#pragma once

#include <weir/base/platform/errno_category.hpp>

#include <memory>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>

namespace weir {

/// Outcomes that no operating system error describes. `errc::cancelled` is spelled
/// std::errc::operation_canceled, `timed out` is std::errc::timed_out: both compare equal on every backend.
enum class errc {
  end_of_stream = 1, ///< the peer closed its side before the bytes that were asked for had arrived
  closed,            ///< the object was closed on this side, before or while the operation ran
  limit_reached,     ///< a bound set by a limit in force; the text of the operation says which
  protocol,          ///< the peer broke the rules of its protocol; `operation` names the rule
  unroutable,        ///< no peer has the routing id that the message names
  invalid_argument,  ///< an argument or option that can never work; `operation` names it
};

const std::error_category& category() noexcept;
std::error_code make_error_code(errc code) noexcept;

/// Why an operation did not succeed.
class error {
 public:
  /// `operation` must be a string with static storage duration: a name such as "connect", or the broken rule.
  error(std::error_code code, const char* operation = "") noexcept : code_(code), operation_(operation) {}
  error(errc code, const char* operation = "") noexcept : error(make_error_code(code), operation) {}
  error(std::errc code, const char* operation = "") noexcept : error(std::make_error_code(code), operation) {}

  /// From a positive errno value, or its negation as io_uring reports it.
  static error from_errno(int number, const char* operation = "") noexcept {
    return {std::error_code(number < 0 ? -number : number, platform::errno_category()), operation};
  }

  const std::error_code& code() const noexcept { return code_; }
  const char* operation() const noexcept { return operation_; }
  std::string_view endpoint() const noexcept { return endpoint_ ? *endpoint_ : std::string_view{}; }

  /// The same error with the endpoint it concerns. Allocates; for errors on their way to a person.
  error at(std::string_view endpoint) &&;

  /// "connect tcp://127.0.0.1:5555: Connection refused"
  std::string message() const;

  bool is_cancelled() const noexcept { return code_ == std::errc::operation_canceled; }
  bool is_timeout() const noexcept { return code_ == std::errc::timed_out; }

  friend bool operator==(const error& left, const error& right) noexcept { return left.code_ == right.code_; }
  friend bool operator==(const error& left, const std::error_code& right) noexcept {
    return left.code_ == right;
  }
  friend bool operator==(const error& left, errc right) noexcept {
    return left.code_ == make_error_code(right);
  }
  friend bool operator==(const error& left, std::errc right) noexcept { return left.code_ == right; }

 private:
  std::error_code code_;
  const char* operation_;
  std::shared_ptr<const std::string> endpoint_;
};

} // namespace weir

template <>
struct std::is_error_code_enum<weir::errc> : std::true_type {};
