// What goes wrong with TLS, as error codes: those of OpenSSL under one category, with its own texts.
//
// A code below 2^23 is a verdict on a certificate (X509_V_ERR_..., X509_STORE_CTX_get_error(3)); above it is
// an error of the library or an alert of the peer (ERR_get_error(3)). An error's operation says what was
// done, its endpoint with whom: "tls handshake localhost (127.0.0.1:4433): certificate verify failed:
// self-signed certificate". Thread rule: values.
#pragma once

#include <system_error>

namespace weir {

/// The codes that programs ask for by name; any other value of the category may occur as well.
enum class tls_errc {
  certificate_not_yet_valid = 9,
  certificate_expired = 10,
  self_signed_certificate = 18,
  self_signed_certificate_in_chain = 19,
  unknown_issuer = 20,
  host_mismatch = 62,
  address_mismatch = 64,
  /// The bytes ended without the peer's close_notify: whoever can cut the connection may have cut the text.
  truncated = 20 << 23 | 294,
  /// Alerts of the peer.
  alert_handshake_failure = 20 << 23 | 1040,
  alert_unknown_ca = 20 << 23 | 1048,
  alert_unrecognized_name = 20 << 23 | 1112, ///< also of a server that refuses the name
  alert_certificate_required = 20 << 23 | 1116,
  alert_no_application_protocol = 20 << 23 | 1120,
};

const std::error_category& openssl_category() noexcept;
std::error_code make_error_code(tls_errc code) noexcept;

} // namespace weir

template <>
struct std::is_error_code_enum<weir::tls_errc> : std::true_type {};
