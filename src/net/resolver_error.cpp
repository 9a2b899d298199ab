#include <weir/net/resolver_error.hpp>

#include <string>

namespace weir {
namespace {

class resolve_error_category final : public std::error_category {
 public:
  const char* name() const noexcept override { return "weir.resolve"; }

  std::string message(int value) const override {
    switch (static_cast<resolve_errc>(value)) {
    case resolve_errc::name_not_found:
      return "name not found";
    case resolve_errc::no_data:
      return "no address of this kind";
    case resolve_errc::server_failure:
      return "server failure";
    case resolve_errc::bad_answer:
      return "malformed answer";
    }
    return "unknown error";
  }

  /// What retry takes for transient, without knowing our codes.
  std::error_condition default_error_condition(int value) const noexcept override {
    switch (static_cast<resolve_errc>(value)) {
    case resolve_errc::server_failure:
      return std::errc::resource_unavailable_try_again;
    case resolve_errc::bad_answer:
      return std::errc::protocol_error;
    default:
      return {value, *this};
    }
  }
};

} // namespace

const std::error_category& resolve_category() noexcept {
  static const resolve_error_category instance;
  return instance;
}

std::error_code make_error_code(resolve_errc code) noexcept {
  return {static_cast<int>(code), resolve_category()};
}

} // namespace weir
