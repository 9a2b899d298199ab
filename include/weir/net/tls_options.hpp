// What a program says about its TLS: certificates, whom it trusts, protocols, versions.
//
// Ordinary values; a tls_context is made of them and keeps what it needs. What is not said has a default that
// is safe: a client verifies its server, nobody speaks less than TLS 1.2, renegotiation and compression are
// off, TLS 1.2 has forward-secret AEAD ciphers only.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace weir {

/// PEM, as text or as the name of a file, which is read when a context is made. Keys are not encrypted.
class tls_pem {
 public:
  static tls_pem text(std::string pem) { return tls_pem(std::move(pem), false); }
  static tls_pem file(std::string path) { return tls_pem(std::move(path), true); }

  bool is_file() const noexcept { return is_file_; }
  const std::string& value() const noexcept { return value_; }

 private:
  tls_pem(std::string value, bool is_file) : value_(std::move(value)), is_file_(is_file) {}

  std::string value_;
  bool is_file_;
};

/// Who this side is. `certificates`: its own first, then those between it and an authority.
struct tls_identity {
  tls_identity(tls_pem chain, tls_pem private_key)
      : certificates(std::move(chain)), key(std::move(private_key)) {}

  tls_pem certificates;
  tls_pem key;
};

enum class tls_version : std::uint8_t { v1_2, v1_3 };

enum class client_certificate : std::uint8_t {
  none,     ///< not asked for
  optional, ///< a client without one is served; one with a bad one is not
  required,
};

struct tls_client_options {
  std::vector<tls_pem> authorities;     ///< whom to trust; empty: the system's store
  bool verifies_server = true;          ///< certificate and host name
  std::optional<tls_identity> identity; ///< for servers that ask for a certificate
  std::vector<std::string> protocols;   ///< offered by ALPN (RFC 7301), the best first
  tls_version version_min = tls_version::v1_2;
  tls_version version_max = tls_version::v1_3;
};

struct tls_server_options {
  explicit tls_server_options(tls_identity own) : identity(std::move(own)) {}

  tls_identity identity;
  client_certificate asks_client = client_certificate::none;
  std::vector<tls_pem> authorities; ///< who signs client certificates; the system's store has no say there
  std::vector<std::string>
      protocols;             ///< by ALPN, the best first; a client that offers none of them is refused
  bool gives_tickets = true; ///< sessions are resumed by tickets (RFC 5077, RFC 8446); nothing is kept
  tls_version version_min = tls_version::v1_2;
  tls_version version_max = tls_version::v1_3;
};

} // namespace weir
