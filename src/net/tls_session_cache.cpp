#include "tls_session_store.hpp"

#include <weir/net/tls_session_cache.hpp>

#include <algorithm>
#include <new>

namespace weir {
namespace {

bool is_used_once(const session_ptr& session) noexcept {
  return SSL_SESSION_get_protocol_version(session.get()) >= TLS1_3_VERSION;
}

} // namespace

tls_session_cache::tls_session_cache(std::size_t sessions_max)
    : store_(std::make_shared<store>(sessions_max)) {}

std::size_t tls_session_cache::size() const noexcept {
  return store_->size();
}

void tls_session_cache::clear() noexcept {
  store_->clear();
}

void tls_session_cache::store::put(const tls_session_key& key, session_ptr session) {
  if (sessions_max_ == 0) return;
  if (!is_used_once(session)) std::erase_if(entries_, [&](const entry& each) { return each.key == key; });
  if (entries_.size() >= sessions_max_) entries_.erase(entries_.begin());
  entries_.push_back(entry{key, std::move(session)});
}

session_ptr tls_session_cache::store::take(const tls_session_key& key) {
  const auto newest =
      std::find_if(entries_.rbegin(), entries_.rend(), [&](const entry& each) { return each.key == key; });
  if (newest == entries_.rend()) return nullptr;
  if (!is_used_once(newest->session)) {
    SSL_SESSION_up_ref(newest->session.get());
    return session_ptr(newest->session.get());
  }
  session_ptr taken = std::move(newest->session);
  entries_.erase(std::next(newest).base());
  return taken;
}

int tls_session_sink::on_new_session(SSL* of, SSL_SESSION* session) noexcept {
  const auto* sink = static_cast<const tls_session_sink*>(SSL_get_app_data(of));
  if (!sink || !sink->store) return 0; // OpenSSL keeps the reference
  try {
    sink->store->put(sink->key, session_ptr(session));
  } catch (const std::bad_alloc&) {
  } // the session is lost, which costs the next handshake some time
  return 1;
}

} // namespace weir
