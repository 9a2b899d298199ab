#include <weir/base/error.hpp>

namespace weir {
namespace {

class weir_category final : public std::error_category {
 public:
  const char* name() const noexcept override { return "weir"; }

  std::string message(int value) const override {
    switch (static_cast<errc>(value)) {
    case errc::end_of_stream:
      return "the peer closed the stream";
    case errc::closed:
      return "closed on this side";
    case errc::limit_reached:
      return "a limit was reached";
    case errc::protocol:
      return "the peer broke the protocol";
    case errc::unroutable:
      return "no peer has this routing id";
    case errc::invalid_argument:
      return "invalid argument";
    }
    return "unknown error";
  }

  /// Portable code may ask `error == std::errc::...` without knowing our codes.
  std::error_condition default_error_condition(int value) const noexcept override {
    switch (static_cast<errc>(value)) {
    case errc::protocol:
      return std::errc::protocol_error;
    case errc::unroutable:
      return std::errc::host_unreachable;
    case errc::invalid_argument:
      return std::errc::invalid_argument;
    default:
      return {value, *this};
    }
  }
};

} // namespace

const std::error_category& category() noexcept {
  static const weir_category instance;
  return instance;
}

std::error_code make_error_code(errc code) noexcept {
  return {static_cast<int>(code), category()};
}

error error::at(std::string_view endpoint) && {
  endpoint_ = std::make_shared<const std::string>(endpoint);
  return std::move(*this);
}

std::string error::message() const {
  std::string text = operation_;
  if (endpoint_) text += (text.empty() ? "" : " ") + *endpoint_;
  if (!text.empty()) text += ": ";
  return text + code_.message();
}

} // namespace weir
