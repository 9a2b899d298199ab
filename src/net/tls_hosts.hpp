// tls_hosts: how a server comes from the name in a client's hello (SNI, RFC 6066) to the context that serves
// it.
//
// The choice falls before anything else of the hello is looked at, so that versions, tickets and what is
// asked of clients are those of the chosen context; tickets are encrypted with the keys of the context above.
// Thread rule: that of the connection.
#pragma once

#include "tls_openssl.hpp"

#include <weir/net/tls_context.hpp>

#include <map>
#include <string>
#include <string_view>

namespace weir {

class tls_hosts {
 public:
  /// errc::invalid_argument for a name that is none, or comes twice.
  result<> add(tls_host host);
  /// Empty where nobody has that name. `name` is in lower case.
  tls_context find(std::string_view name) const;

  /// Makes `context` ask the chooser of the state that serves a connection: SSL_get_app_data points to the
  /// std::shared_ptr<const tls_context::state> of it, which is then the chosen one.
  static void choose_from_hello(SSL_CTX* context) noexcept;

 private:
  std::map<std::string, tls_context, std::less<>> named_;
  std::map<std::string, tls_context, std::less<>>
      wildcards_; ///< by what stands behind the star: ".example.org"
};

/// The host name in the server_name extension, in lower case and without the dot of the root; empty where
/// there is none or the extension is malformed, which OpenSSL finds for itself.
std::string server_name_of(std::string_view extension);

} // namespace weir
