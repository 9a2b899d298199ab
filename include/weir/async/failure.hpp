// failure: how a task failed: by an error, which is an outcome, or by an exception, which is broken code.
// Thread rule: a value, copyable between threads.
#pragma once

#include <weir/base/result.hpp>

#include <exception>
#include <string>
#include <utility>
#include <variant>

namespace weir {

class failure {
 public:
  explicit failure(error why) noexcept : cause_(std::move(why)) {}
  explicit failure(std::exception_ptr thrown) noexcept : cause_(std::move(thrown)) {}

  bool is_exception() const noexcept { return std::holds_alternative<std::exception_ptr>(cause_); }
  bool is_cancelled() const noexcept {
    const error* why = std::get_if<error>(&cause_);
    return why && why->is_cancelled();
  }

  /// For people: the error's message, or what the exception says of itself.
  std::string message() const;

  /// Passes it on as what it was: throws the exception, or returns the error.
  result<> deliver() &&;

 private:
  std::variant<error, std::exception_ptr> cause_;
};

} // namespace weir
