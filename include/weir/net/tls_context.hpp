// tls_context: the settings of many TLS connections, checked and loaded once.
//
// A server with several names has a context for each, and one above them that chooses (`by_name`).
//
// Thread rule: immutable once made; may be copied and used on any thread, so one serves all loops of a
// process. Lifetime: a handle; connections keep what they need. Keys of tickets live as long as the context:
// a program that runs for months makes a new one now and then. Bound: what a peer's certificates may take in
// a handshake is 100 KiB (SSL_CTX_set_max_cert_list(3)). Errors: of files, "tls authorities /etc/ca.pem: No
// such file or directory"; of PEM and keys, those of OpenSSL (tls_error.hpp).
#pragma once

#include <weir/base/result.hpp>
#include <weir/net/tls_options.hpp>

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace weir {

struct tls_host;

class tls_context {
 public:
  tls_context() = default;

  static result<tls_context> client(const tls_client_options& options = tls_client_options{});
  static result<tls_context> server(const tls_server_options& options);

  /// Which context of a server serves a client, by the name that it asks for (SNI, RFC 6066). It gets the
  /// name in lower case, or nothing where the client names none; an empty context refuses the client. Runs
  /// within the handshake, on the thread of whichever loop that is on, perhaps on several at once: it must
  /// neither block nor throw.
  using chooser = std::function<tls_context(std::string_view name)>;
  static result<tls_context> by_choice(chooser choose);
  /// The same from a list: a name itself comes before a wildcard, and that before `otherwise`, which serves
  /// all others and those that name nobody. Without it they are refused.
  static result<tls_context> by_name(std::vector<tls_host> hosts, tls_context otherwise = tls_context());

  explicit operator bool() const noexcept { return state_ != nullptr; }

  class state;
  /// For tls_stream.
  const std::shared_ptr<const state>& shared_state() const noexcept { return state_; }

 private:
  explicit tls_context(std::shared_ptr<const state> made) noexcept : state_(std::move(made)) {}

  std::shared_ptr<const state> state_;
};

/// One of the names that a server serves.
struct tls_host {
  tls_host(std::string served, tls_context with) : name(std::move(served)), context(std::move(with)) {}

  std::string name; ///< "example.org", or "*.example.org" for all names with one label more (RFC 9525, 6.3)
  tls_context context; ///< of `tls_context::server`: certificates, client certificates, protocols, versions
};

} // namespace weir
