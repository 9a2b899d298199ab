#include <weir/adapters/curl_error.hpp>

#include <curl/curl.h>

namespace weir {
namespace {

class curl_error_category final : public std::error_category {
 public:
  const char* name() const noexcept override { return "curl"; }
  std::string message(int value) const override { return ::curl_easy_strerror(static_cast<CURLcode>(value)); }
  std::error_condition default_error_condition(int value) const noexcept override {
    switch (static_cast<CURLcode>(value)) {
    case CURLE_COULDNT_CONNECT:
      return std::errc::connection_refused;
    case CURLE_RECV_ERROR:
    case CURLE_SEND_ERROR:
    case CURLE_GOT_NOTHING:
    case CURLE_PARTIAL_FILE:
      return std::errc::connection_reset;
    case CURLE_OPERATION_TIMEDOUT:
      return std::errc::timed_out;
    case CURLE_COULDNT_RESOLVE_HOST:
    case CURLE_COULDNT_RESOLVE_PROXY:
      return std::errc::host_unreachable;
    case CURLE_OUT_OF_MEMORY:
      return std::errc::not_enough_memory;
    case CURLE_URL_MALFORMAT:
    case CURLE_UNSUPPORTED_PROTOCOL:
      return std::errc::invalid_argument;
    default:
      return {value, *this};
    }
  }
};

} // namespace

const std::error_category& curl_category() noexcept {
  static const curl_error_category instance;
  return instance;
}

std::string without_secrets(std::string_view url) {
  url = url.substr(0, url.find_first_of("?#"));
  const std::size_t scheme = url.find("://");
  const std::size_t host = scheme == std::string_view::npos ? 0 : scheme + 3;
  const std::string_view authority = url.substr(host, url.find('/', host) - host);
  const std::size_t at = authority.rfind('@');
  const std::size_t secrets = at == std::string_view::npos ? 0 : at + 1;
  return std::string(url.substr(0, host)) + std::string(url.substr(host + secrets));
}

} // namespace weir
