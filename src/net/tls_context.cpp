#include "tls_context_state.hpp"
#include "tls_hosts.hpp"
#include "tls_pem.hpp"
#include "tls_session_store.hpp"

#include <weir/net/tls_context.hpp>

#include <openssl/err.h>

#include <atomic>
#include <string_view>

namespace weir {
namespace {

int number_of(tls_version version) noexcept {
  return version == tls_version::v1_2 ? TLS1_2_VERSION : TLS1_3_VERSION;
}

/// As ALPN writes a list (RFC 7301).
result<std::string> alpn_list(const std::vector<std::string>& protocols) {
  std::string list;
  for (const std::string& name : protocols) {
    if (name.empty() || name.size() > 255) return fail(errc::invalid_argument, "tls protocols");
    list += static_cast<char>(name.size());
    list += name;
  }
  return list;
}

const unsigned char* unsigned_bytes(const std::string& text) noexcept {
  return reinterpret_cast<const unsigned char*>(text.data());
}

/// The first of the server's protocols that the client offers.
int choose_protocol(SSL*, const unsigned char** chosen, unsigned char* chosen_size,
                    const unsigned char* offered, unsigned int offered_size, void* context) noexcept {
  const auto& own = static_cast<const tls_context::state*>(context)->protocols;
  unsigned char* found = nullptr;
  const int outcome = SSL_select_next_proto(&found, chosen_size, unsigned_bytes(own),
                                            static_cast<unsigned int>(own.size()), offered, offered_size);
  *chosen = found;
  return outcome == OPENSSL_NPN_NEGOTIATED ? SSL_TLSEXT_ERR_OK : SSL_TLSEXT_ERR_ALERT_FATAL;
}

/// So that a session of one context is resumed under no other, which may ask more of its clients.
bool separate_sessions(SSL_CTX* context, std::uint64_t number) noexcept {
  return SSL_CTX_set_session_id_context(context, reinterpret_cast<const unsigned char*>(&number),
                                        sizeof number) == 1;
}

result<> restrict_to(SSL_CTX* context, tls_version version_min, tls_version version_max) {
  // Forward secrecy and authenticated encryption; all that TLS 1.3 has is so.
  constexpr const char* ciphers = "ECDHE+AESGCM:ECDHE+CHACHA20";
  SSL_CTX_set_options(context, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION |
                                   SSL_OP_CIPHER_SERVER_PREFERENCE | SSL_OP_PRIORITIZE_CHACHA);
  SSL_CTX_set_security_level(context, 2); // 112 bits: no RSA below 2048, no SHA-1 in signatures
  // Idle connections hold no record buffers.
  SSL_CTX_set_mode(context, SSL_MODE_RELEASE_BUFFERS);
  const bool is_set = SSL_CTX_set_min_proto_version(context, number_of(version_min)) == 1 &&
                      SSL_CTX_set_max_proto_version(context, number_of(version_max)) == 1 &&
                      SSL_CTX_set_cipher_list(context, ciphers) == 1;
  if (!is_set) return fail(take_openssl_error("tls versions and ciphers"));
  return {};
}

result<> use_identity(SSL_CTX* context, const tls_identity& own) {
  result<std::vector<certificate_ptr>> chain = read_certificates(own.certificates, "tls certificates");
  if (!chain) return fail(chain.error());
  if (SSL_CTX_use_certificate(context, chain->front().get()) != 1)
    return fail(at_source(take_openssl_error("tls certificates"), own.certificates));
  for (std::size_t i = 1; i < chain->size(); ++i)
    if (SSL_CTX_add1_chain_cert(context, (*chain)[i].get()) != 1)
      return fail(at_source(take_openssl_error("tls certificates"), own.certificates));

  result<key_ptr> key = read_private_key(own.key);
  if (!key) return fail(key.error());
  if (SSL_CTX_use_PrivateKey(context, key->get()) != 1 || SSL_CTX_check_private_key(context) != 1)
    return fail(at_source(take_openssl_error("tls private key"), own.key));
  return {};
}

/// `names_them`: a server tells its clients whose certificates it takes.
result<> trust(SSL_CTX* context, const std::vector<tls_pem>& authorities, bool names_them) {
  for (const tls_pem& each : authorities) {
    result<std::vector<certificate_ptr>> certificates = read_certificates(each, "tls authorities");
    if (!certificates) return fail(certificates.error());
    for (const certificate_ptr& one : *certificates) {
      const bool is_added = X509_STORE_add_cert(SSL_CTX_get_cert_store(context), one.get()) == 1 &&
                            (!names_them || SSL_CTX_add_client_CA(context, one.get()) == 1);
      if (!is_added) return fail(at_source(take_openssl_error("tls authorities"), each));
    }
  }
  return {};
}

result<> trust_system(SSL_CTX* context) {
  if (SSL_CTX_set_default_verify_paths(context) != 1)
    return fail(take_openssl_error("tls system authorities"));
  return {};
}

/// `authorities` are checked before: a server that asks for certificates has some.
int verify_mode(client_certificate asks) noexcept {
  switch (asks) {
  case client_certificate::none:
    return SSL_VERIFY_NONE;
  case client_certificate::optional:
    return SSL_VERIFY_PEER;
  case client_certificate::required:
    break;
  }
  return SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT;
}

} // namespace

tls_context::state::state(ssl_context_ptr made, bool server) : ssl(std::move(made)), is_server(server) {
  static std::atomic<std::uint64_t> last{0};
  number = ++last;
}

result<tls_context> tls_context::client(const tls_client_options& options) {
  ERR_clear_error();
  const auto made = std::make_shared<state>(ssl_context_ptr(SSL_CTX_new(TLS_client_method())), false);
  SSL_CTX* context = made->ssl.get();
  if (!context) return fail(take_openssl_error("tls context"));
  if (auto done = restrict_to(context, options.version_min, options.version_max); !done)
    return fail(done.error());
  if (options.identity)
    if (auto done = use_identity(context, *options.identity); !done) return fail(done.error());
  if (auto done =
          options.authorities.empty() ? trust_system(context) : trust(context, options.authorities, false);
      !done)
    return fail(done.error());
  made->verifies_peer = options.verifies_server;
  SSL_CTX_set_verify(context, options.verifies_server ? SSL_VERIFY_PEER : SSL_VERIFY_NONE, nullptr);

  result<std::string> list = alpn_list(options.protocols);
  if (!list) return fail(list.error());
  made->protocols = std::move(*list);
  const auto list_size = static_cast<unsigned int>(made->protocols.size());
  if (list_size > 0 && SSL_CTX_set_alpn_protos(context, unsigned_bytes(made->protocols), list_size) != 0)
    return fail(take_openssl_error("tls protocols")); // zero is its success

  SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL);
  SSL_CTX_sess_set_new_cb(context, tls_session_sink::on_new_session);
  return tls_context(made);
}

result<tls_context> tls_context::server(const tls_server_options& options) {
  const bool asks = options.asks_client != client_certificate::none;
  if (asks && options.authorities.empty())
    return fail(errc::invalid_argument, "tls authorities for client certificates");
  ERR_clear_error();
  const auto made = std::make_shared<state>(ssl_context_ptr(SSL_CTX_new(TLS_server_method())), true);
  SSL_CTX* context = made->ssl.get();
  if (!context) return fail(take_openssl_error("tls context"));
  if (auto done = restrict_to(context, options.version_min, options.version_max); !done)
    return fail(done.error());
  if (auto done = use_identity(context, options.identity); !done) return fail(done.error());
  if (auto done = trust(context, options.authorities, true); !done) return fail(done.error());
  made->verifies_peer = asks;
  SSL_CTX_set_verify(context, verify_mode(options.asks_client), nullptr);

  result<std::string> list = alpn_list(options.protocols);
  if (!list) return fail(list.error());
  made->protocols = std::move(*list);
  if (!made->protocols.empty()) SSL_CTX_set_alpn_select_cb(context, choose_protocol, made.get());

  // Tickets hold the whole session, so nothing grows here with the number of clients.
  SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
  if (!separate_sessions(context, made->number)) return fail(take_openssl_error("tls sessions"));
  if (!options.gives_tickets) {
    SSL_CTX_set_options(context, SSL_OP_NO_TICKET);
    SSL_CTX_set_num_tickets(context, 0);
  }
  return tls_context(made);
}

result<tls_context> tls_context::by_choice(chooser choose) {
  if (!choose) return fail(errc::invalid_argument, "tls context by choice");
  ERR_clear_error();
  const auto made = std::make_shared<state>(ssl_context_ptr(SSL_CTX_new(TLS_server_method())), true);
  SSL_CTX* context = made->ssl.get();
  if (!context) return fail(take_openssl_error("tls context"));
  if (auto done = restrict_to(context, tls_version::v1_2, tls_version::v1_3); !done)
    return fail(done.error());
  if (!separate_sessions(context, made->number)) return fail(take_openssl_error("tls sessions"));
  SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
  made->choose = std::move(choose);
  tls_hosts::choose_from_hello(context);
  return tls_context(made);
}

} // namespace weir
