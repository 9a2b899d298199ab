// failure: how a task failed: by an error, which is an outcome, or by an exception, which is broken code; and
// which task it was: the source line that spawned it, where a nursery did.
// Thread rule: a value, copyable between threads.
#pragma once

#include <weir/base/result.hpp>

#include <exception>
#include <source_location>
#include <string>
#include <utility>
#include <variant>

namespace weir {

class failure {
 public:
  explicit failure(error why, std::source_location where = {}) noexcept
      : cause_(std::move(why)), spawned_at_(where) {}
  explicit failure(std::exception_ptr thrown, std::source_location where = {}) noexcept
      : cause_(std::move(thrown)), spawned_at_(where) {}

  bool is_exception() const noexcept { return std::holds_alternative<std::exception_ptr>(cause_); }
  bool is_cancelled() const noexcept {
    const error* why = std::get_if<error>(&cause_);
    return why && why->is_cancelled();
  }

  /// For people: the error's message, or what the exception says of itself.
  std::string message() const;
  /// "task spawned at server.cpp:12: " in front of it, where that is known.
  std::string report() const;
  /// Of the task; line 0 where nobody spawned it.
  const std::source_location& spawned_at() const noexcept { return spawned_at_; }

  /// Passes it on as what it was: throws the exception, or returns the error.
  result<> deliver() &&;

 private:
  std::variant<error, std::exception_ptr> cause_;
  std::source_location spawned_at_;
};

} // namespace weir
