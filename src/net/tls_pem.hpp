// Certificates and keys out of PEM. Errors name the file, or say that it was text.
#pragma once

#include "tls_openssl.hpp"

#include <weir/net/tls_options.hpp>

#include <vector>

namespace weir {

/// One at least. `what` names it in errors: "tls authorities".
result<std::vector<certificate_ptr>> read_certificates(const tls_pem& from, const char* what);
result<key_ptr> read_private_key(const tls_pem& from);
/// The same error, with the file that it concerns.
error at_source(error reason, const tls_pem& from);

} // namespace weir
