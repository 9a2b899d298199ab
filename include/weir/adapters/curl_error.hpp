// Errors of libcurl as error codes. The endpoint of the error is the URL, without what is secret in it,
// followed by what libcurl says.
//
// Portable conditions: std::errc::connection_refused, connection_reset, timed_out, host_unreachable (also a
// name that cannot be resolved), so that `retry` tells what is worth another attempt. A status of the server,
// 404 or 503, is an answer and no error. Thread rule: values. Source: libcurl-errors(3).
#pragma once

#include <weir/base/error.hpp>

#include <string>
#include <string_view>
#include <system_error>

namespace weir {

const std::error_category& curl_category() noexcept;

/// "https://user:secret@host/path?key=1" as "https://host/path".
std::string without_secrets(std::string_view url);

} // namespace weir
