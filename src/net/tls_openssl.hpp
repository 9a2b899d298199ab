// Owners of OpenSSL's objects, and its queue of errors as one weir::error.
#pragma once

#include <weir/base/result.hpp>

#include <openssl/ssl.h>

#include <memory>

namespace weir {

template <auto Free>
struct openssl_free {
  template <class T>
  void operator()(T* object) const noexcept {
    Free(object);
  }
};

using bio_ptr = std::unique_ptr<BIO, openssl_free<BIO_free_all>>;
using bio_method_ptr = std::unique_ptr<BIO_METHOD, openssl_free<BIO_meth_free>>;
using key_ptr = std::unique_ptr<EVP_PKEY, openssl_free<EVP_PKEY_free>>;
using certificate_ptr = std::unique_ptr<X509, openssl_free<X509_free>>;
using session_ptr = std::unique_ptr<SSL_SESSION, openssl_free<SSL_SESSION_free>>;
using ssl_ptr = std::unique_ptr<SSL, openssl_free<SSL_free>>;
using ssl_context_ptr = std::unique_ptr<SSL_CTX, openssl_free<SSL_CTX_free>>;

/// The oldest error of this thread's queue, which is the cause of the others, and an empty queue.
error take_openssl_error(const char* operation) noexcept;
/// The verdict on a certificate, one of X509_V_ERR_....
error certificate_error(long verdict, const char* operation) noexcept;

} // namespace weir
