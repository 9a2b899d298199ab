// tls_context: the settings of many TLS connections, checked and loaded once.
//
// Thread rule: immutable once made; may be copied and used on any thread, so one serves all loops of a
// process. Lifetime: a handle; connections keep what they need. Keys of tickets live as long as the context:
// a program that runs for months makes a new one now and then. Bound: what a peer's certificates may take in
// a handshake is 100 KiB (SSL_CTX_set_max_cert_list(3)). Errors: of files, "tls authorities /etc/ca.pem: No
// such file or directory"; of PEM and keys, those of OpenSSL (tls_error.hpp).
#pragma once

#include <weir/base/result.hpp>
#include <weir/net/tls_options.hpp>

#include <memory>

namespace weir {

class tls_context {
 public:
  tls_context() = default;

  static result<tls_context> client(const tls_client_options& options = tls_client_options{});
  static result<tls_context> server(const tls_server_options& options);

  explicit operator bool() const noexcept { return state_ != nullptr; }

  class state;
  /// For tls_stream.
  const std::shared_ptr<const state>& shared_state() const noexcept { return state_; }

 private:
  explicit tls_context(std::shared_ptr<const state> made) noexcept : state_(std::move(made)) {}

  std::shared_ptr<const state> state_;
};

} // namespace weir
