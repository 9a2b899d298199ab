// The system's own category counts otherwise, and the C runtime has no text for errors of sockets.
#include <weir/base/platform/errno_category.hpp>

#include <cerrno>

namespace weir::platform {
namespace {

struct error_text {
  int number;
  const char* text;
};

constexpr error_text texts[] = {
    {EADDRINUSE, "Address already in use"},
    {EADDRNOTAVAIL, "Cannot assign requested address"},
    {EAFNOSUPPORT, "Address family not supported by protocol"},
    {EALREADY, "Operation already in progress"},
    {ECANCELED, "Operation canceled"},
    {ECONNABORTED, "Software caused connection abort"},
    {ECONNREFUSED, "Connection refused"},
    {ECONNRESET, "Connection reset by peer"},
    {EDESTADDRREQ, "Destination address required"},
    {EHOSTUNREACH, "No route to host"},
    {EINPROGRESS, "Operation now in progress"},
    {EISCONN, "Transport endpoint is already connected"},
    {EMSGSIZE, "Message too long"},
    {ENETDOWN, "Network is down"},
    {ENETRESET, "Network dropped connection on reset"},
    {ENETUNREACH, "Network is unreachable"},
    {ENOBUFS, "No buffer space available"},
    {ENOPROTOOPT, "Protocol not available"},
    {ENOTCONN, "Transport endpoint is not connected"},
    {ENOTSOCK, "Socket operation on non-socket"},
    {EOPNOTSUPP, "Operation not supported"},
    {EPROTONOSUPPORT, "Protocol not supported"},
    {EPROTOTYPE, "Protocol wrong type for socket"},
    {ETIMEDOUT, "Connection timed out"},
};

class errno_category_of_windows final : public std::error_category {
 public:
  const char* name() const noexcept override { return "errno"; }
  std::string message(int number) const override {
    for (const error_text& each : texts)
      if (each.number == number) return each.text;
    return std::generic_category().message(number);
  }
  std::error_condition default_error_condition(int number) const noexcept override {
    return {number, std::generic_category()};
  }
};

} // namespace

const std::error_category& errno_category() noexcept {
  static const errno_category_of_windows only;
  return only;
}

} // namespace weir::platform
