// postgres_parameter: a value for $1, $2 … of a statement: text as PostgreSQL reads it, null, or bytes.
//
// Text goes as it is and never becomes part of the statement: there is nothing to quote. It cannot hold a
// zero byte, which PostgreSQL has no text for: such a query is errc::invalid_argument. `bytes` are binary, a
// bytea. Thread rule: a value.
#pragma once

#include <array>
#include <charconv>
#include <concepts>
#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>

namespace weir {

class postgres_parameter {
 public:
  postgres_parameter(std::nullptr_t) noexcept {}
  postgres_parameter(std::nullopt_t) noexcept {}
  postgres_parameter(std::string text) noexcept : value_(std::move(text)) {}
  postgres_parameter(std::string_view text) : value_(std::string(text)) {}
  postgres_parameter(const char* text) : value_(std::string(text)) {}
  postgres_parameter(bool truth) : value_(std::string(truth ? "t" : "f")) {}
  template <class Number>
    requires(std::integral<Number> || std::floating_point<Number>)
  postgres_parameter(Number number) {
    std::array<char, 64> digits;
    const auto end = std::to_chars(digits.data(), digits.data() + digits.size(), number).ptr;
    value_.emplace(digits.data(), end);
  }
  template <class T>
  postgres_parameter(const std::optional<T>& maybe) {
    if (maybe) *this = postgres_parameter(*maybe);
  }

  static postgres_parameter bytes(std::span<const std::byte> content) {
    postgres_parameter made(std::string(reinterpret_cast<const char*>(content.data()), content.size()));
    made.is_binary_ = true;
    return made;
  }

  bool is_null() const noexcept { return !value_; }
  bool is_binary() const noexcept { return is_binary_; }
  /// Precondition: not null. Ends with a zero byte behind its end.
  const std::string& value() const noexcept { return *value_; }

 private:
  std::optional<std::string> value_;
  bool is_binary_ = false;
};

} // namespace weir
