#include "tls_core.hpp"

#include <weir/net/tls_stream.hpp>

#include <openssl/x509.h>

namespace weir {
namespace {

std::string_view text_or_nothing(const char* text) noexcept {
  return text ? std::string_view(text) : std::string_view();
}

} // namespace

tls_stream::tls_stream() noexcept = default;
tls_stream::tls_stream(std::unique_ptr<core> made) noexcept : core_(std::move(made)) {}
tls_stream::tls_stream(tls_stream&&) noexcept = default;
tls_stream& tls_stream::operator=(tls_stream&&) noexcept = default;
tls_stream::~tls_stream() = default;

// --- making ---

task<result<tls_stream>> tls_stream::opened(std::unique_ptr<core> made) {
  result<> done = co_await made->handshake();
  if (done) co_return tls_stream(std::move(made));
  (void)co_await made->close(); // the alert goes out first, unless that too is cancelled
  co_return fail(std::move(done).error());
}

task<result<tls_stream>> tls_stream::connect(any_byte_stream carrier, tls_context as,
                                             tls_connect_options options) {
  if (!as || as.shared_state()->is_server) co_return fail(errc::invalid_argument, "tls context of a client");
  result<std::unique_ptr<core>> made = core::make(std::move(carrier), as);
  if (!made) co_return fail(std::move(made).error());
  result<> prepared = (*made)->expect(options);
  if (!prepared) co_return fail(std::move(prepared).error());
  co_return co_await opened(std::move(*made));
}

task<result<tls_stream>> tls_stream::accept(any_byte_stream carrier, tls_context as) {
  if (!as || !as.shared_state()->is_server) co_return fail(errc::invalid_argument, "tls context of a server");
  result<std::unique_ptr<core>> made = core::make(std::move(carrier), as);
  if (!made) co_return fail(std::move(made).error());
  co_return co_await opened(std::move(*made));
}

// --- moving bytes: each call goes on where the stream itself is moved ---

task<result<lease>> tls_stream::read() {
  return core_->read();
}

task<result<std::size_t>> tls_stream::read_some(std::span<std::byte> into) {
  return core_->read_some(into);
}

task<transfer> tls_stream::read_exactly(std::span<std::byte> into) {
  core& self = *core_;
  std::size_t done = 0;
  while (done < into.size()) {
    result<std::size_t> count = co_await self.read_some(into.subspan(done));
    if (!count) co_return transfer(done, std::move(count).error());
    if (*count == 0) co_return transfer(done, error(errc::end_of_stream, "tls read").at(self.remote_name()));
    done += *count;
  }
  co_return transfer(done);
}

task<result<std::size_t>> tls_stream::write(std::span<const std::byte> bytes) {
  return core_->write(bytes);
}

task<transfer> tls_stream::write_all(std::span<const std::byte> bytes) {
  core& self = *core_;
  std::size_t done = 0;
  while (done < bytes.size()) {
    result<std::size_t> count = co_await self.write(bytes.subspan(done));
    if (!count) co_return transfer(done, std::move(count).error());
    done += *count;
  }
  co_return transfer(done);
}

task<result<void>> tls_stream::flush() {
  return core_->flush();
}

task<result<void>> tls_stream::shutdown() {
  return core_->shutdown();
}

task<result<void>> tls_stream::close() {
  const std::unique_ptr<core> closing = std::move(core_);
  co_return co_await closing->close();
}

// --- what the handshake has settled ---

std::string_view tls_stream::protocol() const noexcept {
  const unsigned char* name = nullptr;
  unsigned int size = 0;
  SSL_get0_alpn_selected(core_->ssl(), &name, &size);
  return {reinterpret_cast<const char*>(name), size};
}

std::string_view tls_stream::version() const noexcept {
  return SSL_get_version(core_->ssl());
}

std::string_view tls_stream::cipher() const noexcept {
  return text_or_nothing(SSL_get_cipher_name(core_->ssl()));
}

std::string_view tls_stream::server_name() const noexcept {
  return text_or_nothing(SSL_get_servername(core_->ssl(), TLSEXT_NAMETYPE_host_name));
}

bool tls_stream::is_resumed() const noexcept {
  return SSL_session_reused(core_->ssl()) == 1;
}

std::string tls_stream::peer_subject() const {
  const X509* certificate = SSL_get0_peer_certificate(core_->ssl());
  const bio_ptr text(BIO_new(BIO_s_mem()));
  if (!certificate || !text) return {};
  X509_NAME_print_ex(text.get(), X509_get_subject_name(certificate), 0, XN_FLAG_RFC2253);
  char* begin = nullptr;
  const long size = BIO_get_mem_data(text.get(), &begin);
  return {begin, static_cast<std::size_t>(size)};
}

std::vector<std::byte> tls_stream::peer_certificate() const {
  const X509* certificate = SSL_get0_peer_certificate(core_->ssl());
  const int size = certificate ? i2d_X509(certificate, nullptr) : 0;
  std::vector<std::byte> encoded(static_cast<std::size_t>(size > 0 ? size : 0));
  auto* into = reinterpret_cast<unsigned char*>(encoded.data());
  if (size > 0) i2d_X509(certificate, &into);
  return encoded;
}

const std::string& tls_stream::remote_name() const noexcept {
  return core_->remote_name();
}

result<void> tls_stream::update_keys() {
  return core_->update_keys();
}

std::size_t tls_stream::unsent_bytes() const noexcept {
  return core_->unsent_bytes();
}

} // namespace weir
