// Why a name has no address, where no error of the system says it. A question that got no answer in time is
// std::errc::timed_out, a name that cannot be one errc::invalid_argument, a resolver that is gone
// errc::closed. The error's endpoint is the name.
#pragma once

#include <system_error>

namespace weir {

enum class resolve_errc {
  name_not_found = 1, ///< NXDOMAIN: there is no such name
  no_data,            ///< the name exists and has no address of this family
  server_failure,     ///< SERVFAIL, REFUSED or no server there, of all of them; worth another try later
  bad_answer,         ///< the server's answer broke the protocol
};

const std::error_category& resolve_category() noexcept;
std::error_code make_error_code(resolve_errc code) noexcept;

} // namespace weir

template <>
struct std::is_error_code_enum<weir::resolve_errc> : std::true_type {};
