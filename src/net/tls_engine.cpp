#include "tls_engine.hpp"

#include <openssl/bio.h>
#include <openssl/err.h>

#include <algorithm>
#include <cassert>
#include <cstring>
#include <new>

namespace weir {

tls_engine::tls_engine(ssl_ptr made, buffer_pool& chunks) : ssl_(std::move(made)), output_(chunks) {
  BIO* both_ways = BIO_new(bio_method());
  if (!both_ways) throw std::bad_alloc();
  BIO_set_data(both_ways, this);
  BIO_set_init(both_ways, 1);
  SSL_set_bio(ssl_.get(), both_ways, both_ways); // which owns it from here on
}

/// OpenSSL would take the session of a connection that ends without close_notify for spoilt, which has not
/// been the rule since TLS 1.1 (RFC 4346, 7.2.1).
tls_engine::~tls_engine() {
  if (!has_failed_) SSL_set_shutdown(ssl_.get(), SSL_SENT_SHUTDOWN | SSL_RECEIVED_SHUTDOWN);
}

// --- what OpenSSL calls ---

const BIO_METHOD* tls_engine::bio_method() {
  static const bio_method_ptr method = [] {
    bio_method_ptr made(BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "weir"));
    if (!made) throw std::bad_alloc();
    BIO_meth_set_read_ex(made.get(), on_read);
    BIO_meth_set_write_ex(made.get(), on_write);
    BIO_meth_set_ctrl(made.get(), on_control);
    return made;
  }();
  return method.get();
}

int tls_engine::on_read(BIO* of, char* into, std::size_t size, std::size_t* count) noexcept {
  lease& input = static_cast<tls_engine*>(BIO_get_data(of))->input_;
  BIO_clear_retry_flags(of);
  if (input.empty()) {
    BIO_set_retry_read(of);
    return 0;
  }
  *count = std::min(size, input.size());
  std::memcpy(into, input.data(), *count);
  input.remove_prefix(*count);
  if (input.empty()) input.reset(); // the slot goes back to its pool
  return 1;
}

/// Takes everything: a record that OpenSSL could not finish would have to be finished before anything else.
int tls_engine::on_write(BIO* of, const char* from, std::size_t size, std::size_t* count) noexcept {
  auto& self = *static_cast<tls_engine*>(BIO_get_data(of));
  BIO_clear_retry_flags(of);
  try {
    self.output_.append_copy(std::as_bytes(std::span(from, size)));
  } catch (const std::bad_alloc&) {
    self.is_out_of_memory_ = true;
    return 0;
  }
  *count = size;
  return 1;
}

long tls_engine::on_control(BIO*, int command, long, void*) noexcept {
  return command == BIO_CTRL_FLUSH ? 1 : 0;
}

// --- what it is asked for ---

bool tls_engine::wants_input(int outcome) const noexcept {
  return SSL_get_error(ssl_.get(), outcome) == SSL_ERROR_WANT_READ;
}

std::unexpected<error> tls_engine::failure(const char* operation) noexcept {
  has_failed_ = true;
  const bool is_verdict = ERR_GET_REASON(ERR_peek_error()) == SSL_R_CERTIFICATE_VERIFY_FAILED;
  const long verdict = SSL_get_verify_result(ssl_.get());
  error reason = take_openssl_error(operation);
  if (is_verdict && verdict != X509_V_OK) reason = certificate_error(verdict, operation);
  if (is_out_of_memory_) reason = error(std::errc::not_enough_memory, operation);
  return fail(std::move(reason));
}

result<bool> tls_engine::handshake() {
  ERR_clear_error(); // of whoever used OpenSSL on this thread before
  const int outcome = SSL_do_handshake(ssl_.get());
  if (outcome == 1) return true;
  if (wants_input(outcome)) return false;
  return failure("tls handshake");
}

result<std::optional<std::size_t>> tls_engine::decrypt(std::span<std::byte> into) {
  ERR_clear_error();
  std::size_t count = 0;
  const int outcome = SSL_read_ex(ssl_.get(), into.data(), into.size(), &count);
  if (outcome == 1) return count;
  if (wants_input(outcome)) return std::nullopt;
  if (SSL_get_error(ssl_.get(), outcome) == SSL_ERROR_ZERO_RETURN) return std::size_t{0};
  return failure("tls read");
}

result<std::size_t> tls_engine::encrypt(std::span<const std::byte> from) {
  assert(!from.empty());
  ERR_clear_error();
  std::size_t count = 0;
  const std::size_t wanted = std::min(from.size(), encrypt_max_bytes);
  if (SSL_write_ex(ssl_.get(), from.data(), wanted, &count) == 1) return count;
  return failure("tls write");
}

void tls_engine::close_notify() noexcept {
  if (has_failed_ || !SSL_is_init_finished(ssl_.get())) return;
  ERR_clear_error();
  SSL_shutdown(ssl_.get());
  ERR_clear_error();
}

result<> tls_engine::update_keys() {
  ERR_clear_error();
  const bool is_done = SSL_key_update(ssl_.get(), SSL_KEY_UPDATE_REQUESTED) == 1 &&
                       SSL_do_handshake(ssl_.get()) == 1; // sends it
  if (!is_done) return fail(take_openssl_error("tls key update"));
  return {};
}

} // namespace weir
