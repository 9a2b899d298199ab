// Errors that a Redis server answers with, as error codes: the first word of its answer. The endpoint of the
// error is the server's, followed by its own words: `command /run/redis.sock: WRONGTYPE Operation against …`.
//
// Portable conditions: a server that is loading or busy is std::errc::resource_unavailable_try_again, so that
// `retry` tries again; who may not is permission_denied. Thread rule: values.
#pragma once

#include <string_view>
#include <system_error>

namespace weir {

enum class redis_errc {
  general = 1, ///< ERR, and whatever is not below
  wrong_type,
  no_auth, ///< NOAUTH, NOPERM, WRONGPASS
  busy,    ///< LOADING, BUSY, TRYAGAIN, CLUSTERDOWN, MASTERDOWN
  out_of_memory,
  read_only,
  no_script,
  aborted, ///< EXECABORT
  moved,   ///< MOVED, ASK: the key is another server's
};

const std::error_category& redis_category() noexcept;
std::error_code make_error_code(redis_errc code) noexcept;
/// Of the text of an error reply.
redis_errc redis_errc_of(std::string_view answer) noexcept;

} // namespace weir

template <>
struct std::is_error_code_enum<weir::redis_errc> : std::true_type {};
