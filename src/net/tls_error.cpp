#include "tls_openssl.hpp"

#include <weir/net/tls_error.hpp>

#include <openssl/err.h>
#include <openssl/x509_vfy.h>

namespace weir {
namespace {

constexpr int packed(int library, int reason) {
  return library << ERR_LIB_OFFSET | reason;
}
static_assert(int(tls_errc::truncated) == packed(ERR_LIB_SSL, SSL_R_UNEXPECTED_EOF_WHILE_READING));
static_assert(int(tls_errc::alert_handshake_failure) ==
              packed(ERR_LIB_SSL, SSL_R_SSLV3_ALERT_HANDSHAKE_FAILURE));
static_assert(int(tls_errc::alert_unknown_ca) == packed(ERR_LIB_SSL, SSL_R_TLSV1_ALERT_UNKNOWN_CA));
static_assert(int(tls_errc::alert_unrecognized_name) == packed(ERR_LIB_SSL, SSL_R_TLSV1_UNRECOGNIZED_NAME));
static_assert(int(tls_errc::alert_certificate_required) ==
              packed(ERR_LIB_SSL, SSL_R_TLSV13_ALERT_CERTIFICATE_REQUIRED));
static_assert(int(tls_errc::alert_no_application_protocol) ==
              packed(ERR_LIB_SSL, SSL_R_TLSV1_ALERT_NO_APPLICATION_PROTOCOL));
static_assert(int(tls_errc::certificate_not_yet_valid) == X509_V_ERR_CERT_NOT_YET_VALID);
static_assert(int(tls_errc::certificate_expired) == X509_V_ERR_CERT_HAS_EXPIRED);
static_assert(int(tls_errc::self_signed_certificate) == X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT);
static_assert(int(tls_errc::self_signed_certificate_in_chain) == X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN);
static_assert(int(tls_errc::unknown_issuer) == X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY);
static_assert(int(tls_errc::host_mismatch) == X509_V_ERR_HOSTNAME_MISMATCH);
static_assert(int(tls_errc::address_mismatch) == X509_V_ERR_IP_ADDRESS_MISMATCH);

class openssl_error_category final : public std::error_category {
 public:
  const char* name() const noexcept override { return "openssl"; }

  std::string message(int value) const override {
    if (value == int(tls_errc::truncated)) return "cut off: the stream ended without close_notify";
    if (value < packed(1, 0))
      return std::string("certificate verify failed: ") + X509_verify_cert_error_string(value);
    const char* text = ERR_reason_error_string(static_cast<unsigned long>(value));
    return text ? text : "error " + std::to_string(value) + " of OpenSSL";
  }
};

} // namespace

const std::error_category& openssl_category() noexcept {
  static const openssl_error_category instance;
  return instance;
}

std::error_code make_error_code(tls_errc code) noexcept {
  return {static_cast<int>(code), openssl_category()};
}

error take_openssl_error(const char* operation) noexcept {
  const unsigned long oldest = ERR_get_error();
  ERR_clear_error();
  if (oldest == 0) return error(errc::protocol, operation);
  if (ERR_SYSTEM_ERROR(oldest)) return error::from_errno(ERR_GET_REASON(oldest), operation);
  if (ERR_GET_REASON(oldest) == ERR_R_MALLOC_FAILURE) return error(std::errc::not_enough_memory, operation);
  const int packed_code = packed(ERR_GET_LIB(oldest), ERR_GET_REASON(oldest));
  return error(std::error_code(packed_code, openssl_category()), operation);
}

error certificate_error(long verdict, const char* operation) noexcept {
  return error(std::error_code(static_cast<int>(verdict), openssl_category()), operation);
}

} // namespace weir
