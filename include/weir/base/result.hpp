// result<T>: a value or a weir::error. Every I/O outcome in weir is one; exceptions are for broken code.
#pragma once

#include <weir/base/error.hpp>

#include <expected>

namespace weir {

template <class T = void>
using result = std::expected<T, error>;

/// `return fail(errc::protocol, "READY without Socket-Type");`
template <class Code>
[[nodiscard]] std::unexpected<error> fail(Code code, const char* operation = "") {
  return std::unexpected<error>(error(code, operation));
}
[[nodiscard]] inline std::unexpected<error> fail(error reason) {
  return std::unexpected<error>(std::move(reason));
}

} // namespace weir
