#include "tls_core.hpp"

#include <openssl/err.h>
#include <openssl/x509v3.h>

#include <algorithm>
#include <string_view>

namespace weir {
namespace {

/// From here on a reader waits until its answers, to key updates for one, are sent: a peer that asks for more
/// and more without reading must not fill our memory.
constexpr std::size_t answers_max_bytes = 16384;

/// Whether `host` is an address: certificates name those in another way, and SNI has only names (RFC 6066).
bool is_address(const std::string& host) {
  return address::ip(host, 0).has_value();
}

} // namespace

tls_stream::core::core(loop& home, any_byte_stream carrier, ssl_ptr made,
                       std::shared_ptr<const tls_context::state> settings)
    : home_(home), carrier_(std::move(carrier)), settings_(std::move(settings)),
      engine_(std::move(made), home.send_buffers()), remote_name_(carrier_.remote_name()) {
  if (settings_->is_server)
    SSL_set_app_data(ssl(), &settings_); // which a choice by name replaces (tls_hosts.hpp)
}

result<std::unique_ptr<tls_stream::core>> tls_stream::core::make(any_byte_stream carrier,
                                                                 const tls_context& as) {
  const auto& settings = as.shared_state();
  ERR_clear_error();
  ssl_ptr made(SSL_new(settings->ssl.get()));
  if (!made) return fail(take_openssl_error("tls connection"));
  if (settings->is_server) {
    SSL_set_accept_state(made.get());
  } else {
    SSL_set_connect_state(made.get());
  }
  return std::make_unique<core>(*loop::current(), std::move(carrier), std::move(made), settings);
}

std::unexpected<error> tls_stream::core::failure(error reason) const {
  if (reason.endpoint().empty() && !remote_name_.empty()) reason = std::move(reason).at(remote_name_);
  return fail(std::move(reason));
}

// --- the handshake ---

result<> tls_stream::core::expect(const tls_connect_options& options) {
  std::string host = options.host;
  if (host.ends_with('.')) host.pop_back(); // of the root: neither SNI (RFC 6066) nor certificates have it
  if (host != remote_name_ && !host.empty())
    remote_name_ = remote_name_.empty() ? host : host + " (" + remote_name_ + ")";
  if (host.empty()) {
    if (settings_->verifies_peer) return failure(error(errc::invalid_argument, "tls host name"));
    return {};
  }
  ERR_clear_error();
  X509_VERIFY_PARAM* expected = SSL_get0_param(ssl());
  X509_VERIFY_PARAM_set_hostflags(expected, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
  const bool is_set = is_address(host)
                          ? X509_VERIFY_PARAM_set1_ip_asc(expected, host.c_str()) == 1
                          : X509_VERIFY_PARAM_set1_host(expected, host.c_str(), host.size()) == 1 &&
                                SSL_set_tlsext_host_name(ssl(), host.c_str()) == 1;
  if (!is_set) return failure(take_openssl_error("tls host name"));

  if (options.sessions) {
    sessions_ = tls_session_sink{options.sessions->shared_store(), {settings_->number, host}};
    SSL_set_app_data(ssl(), &sessions_);
    if (const session_ptr known = sessions_.store->take(sessions_.key)) SSL_set_session(ssl(), known.get());
  }
  return {};
}

task<result<>> tls_stream::core::handshake() {
  result<bool> complete{false};
  std::optional<error> unsendable;
  while (!*complete) {
    complete = engine_.handshake();
    result<> sent = co_await drain(); // what it says, also if that is an alert
    if (!complete) co_return failure(std::move(complete).error());
    if (!sent && sent.error().is_cancelled()) co_return failure(std::move(sent).error());
    // A peer that has closed may have said why: what it has sent is read first.
    if (!sent) unsendable = std::move(sent).error();
    if (*complete) break;
    result<> fetched = co_await fetch();
    if (!fetched && unsendable && !fetched.error().is_cancelled()) co_return failure(*unsendable);
    if (!fetched) co_return fetched;
  }
  co_return checked();
}

/// What OpenSSL leaves to its users. A resumed session brings the verdict of the handshake that made it.
result<> tls_stream::core::checked() const {
  const long verdict = SSL_get_verify_result(ssl());
  if (settings_->verifies_peer && verdict != X509_V_OK)
    return failure(certificate_error(verdict, "tls handshake"));
  const unsigned char* chosen = nullptr;
  unsigned int size = 0;
  SSL_get0_alpn_selected(ssl(), &chosen, &size);
  if (size == 0) return {};
  std::string as_offered(1, static_cast<char>(size));
  as_offered.append(reinterpret_cast<const char*>(chosen), size);
  if (settings_->protocols.find(as_offered) == std::string::npos)
    return failure(error(errc::protocol, "tls handshake: a protocol that was not offered"));
  return {};
}

// --- reading ---

result<std::optional<std::size_t>> tls_stream::core::decrypt(std::span<std::byte> into) {
  if (read_error_) return fail(*read_error_);
  const std::size_t unsent_before = unsent_bytes();
  auto got = engine_.decrypt(into);
  answers_bytes_ += unsent_bytes() - unsent_before;
  if (got) return got;
  read_error_ = failure(std::move(got).error()).error();
  return fail(*read_error_);
}

/// Brings the next encrypted bytes. Precondition: the engine has used up all there were.
task<result<>> tls_stream::core::fetch() {
  const char* operation = SSL_is_init_finished(ssl()) ? "tls read" : "tls handshake";
  if (carrier_has_ended_) {
    read_error_ = failure(error(make_error_code(tls_errc::truncated), operation)).error();
    co_return fail(*read_error_);
  }
  if (answers_bytes_ > 0) {
    result<> answered = co_await answer();
    if (!answered) co_return answered;
  }
  result<lease> piece = co_await carrier_.read();
  if (!piece) co_return failure(std::move(piece).error()); // the carrier tells it again, if it is not over
  carrier_has_ended_ = piece->empty();
  engine_.feed(std::move(*piece));
  co_return result<>();
}

/// Sends what reading has made us say. Not at any price: a reader that waits for its peer to read, who waits
/// for the same, would wait for ever. What the carrier does not take at once goes with the next bytes.
task<result<>> tls_stream::core::answer() {
  if (answers_bytes_ >= answers_max_bytes) co_return co_await drain();
  cancellation at_once;
  at_once.request();                      // a write that would have to wait takes nothing then
  (void)co_await drain().under(&at_once); // who writes is told of errors; there may be much to read still
  co_return result<>();
}

/// What is there already, as much as fits into a slot. An end or a failure behind some bytes comes again,
/// alone.
result<std::optional<lease>> tls_stream::core::decrypt_slot() {
  lease slot = home_.buffers().acquire();
  if (slot.pinned_bytes() == 0) slot = lease::allocate(home_.buffers().slot_bytes());
  std::size_t count = 0;
  bool goes_on = true;
  while (goes_on) {
    result<std::optional<std::size_t>> got = decrypt(slot.writable().subspan(count));
    if (count == 0 && !got) return fail(std::move(got).error());
    if (count == 0 && *got == std::size_t{0}) return lease{};
    const std::size_t more = got ? got->value_or(0) : 0;
    count += more;
    goes_on = more > 0 && count < slot.size();
  }
  if (count == 0) return std::nullopt;
  slot.truncate(count);
  return slot;
}

task<result<lease>> tls_stream::core::read() {
  const sole_use reading(is_reading_);
  for (;;) {
    result<std::optional<lease>> got = decrypt_slot();
    if (!got) co_return fail(std::move(got).error());
    if (*got) co_return std::move(**got);
    result<> fetched = co_await fetch();
    if (!fetched) co_return fail(std::move(fetched).error());
  }
}

task<result<std::size_t>> tls_stream::core::read_some(std::span<std::byte> into) {
  const sole_use reading(is_reading_);
  while (!into.empty()) {
    result<std::optional<std::size_t>> got = decrypt(into);
    if (!got) co_return fail(std::move(got).error());
    if (*got) co_return **got;
    result<> fetched = co_await fetch();
    if (!fetched) co_return fail(std::move(fetched).error());
  }
  co_return std::size_t{0};
}

// --- writing ---

/// Hands what is encrypted to the carrier; the reader and the writer may both come here.
task<result<>> tls_stream::core::drain() {
  while (!engine_.output().empty()) {
    if (carrier_is_in_use_) {
      drained_.reset();
      result<> woken = co_await drained_.wait();
      if (!woken) co_return woken;
      continue;
    }
    result<std::size_t> taken{std::size_t{0}};
    {
      const sole_use writing(carrier_is_in_use_, &drained_);
      iovec oldest{};
      engine_.output().gather({&oldest, 1});
      const std::span bytes(static_cast<const std::byte*>(oldest.iov_base), oldest.iov_len);
      taken = co_await carrier_.write(bytes);
    }
    if (!taken) co_return failure(std::move(taken).error());
    engine_.output().consume(*taken);
  }
  answers_bytes_ = 0;
  co_return result<>();
}

task<result<std::size_t>> tls_stream::core::write(std::span<const std::byte> bytes) {
  const sole_use writing(is_writing_);
  if (bytes.empty()) co_return std::size_t{0};
  if (is_shut_) co_return failure(error(errc::closed, "tls write"));
  result<> drained = co_await drain();
  if (!drained) co_return fail(std::move(drained).error());
  result<std::size_t> taken = engine_.encrypt(bytes);
  if (!taken) co_return failure(std::move(taken).error());
  // Taken is taken: what a cancellation keeps from the carrier here, the next call hands over.
  drained = co_await drain();
  if (!drained && !drained.error().is_cancelled()) co_return fail(std::move(drained).error());
  co_return taken;
}

task<result<>> tls_stream::core::flush() {
  const sole_use writing(is_writing_);
  result<> done = co_await drain();
  if (!done) co_return done;
  {
    const sole_use flushing(carrier_is_in_use_, &drained_);
    done = co_await carrier_.flush();
  }
  if (!done) co_return failure(std::move(done).error());
  co_return done;
}

result<> tls_stream::core::update_keys() {
  result<> done = engine_.update_keys();
  if (!done) return failure(std::move(done).error());
  return done;
}

// --- ending ---

task<result<>> tls_stream::core::shutdown() {
  if (!is_shut_) engine_.close_notify();
  is_shut_ = true;
  return flush();
}

task<result<>> tls_stream::core::close() {
  result<> said = co_await shutdown();
  result<> closed = co_await carrier_.close();
  if (!said) co_return said;
  if (!closed) co_return failure(std::move(closed).error());
  co_return closed;
}

} // namespace weir
