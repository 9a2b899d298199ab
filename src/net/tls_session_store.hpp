// Where a tls_session_cache keeps its sessions, shared with the streams that fill it.
#pragma once

#include "tls_openssl.hpp"

#include <weir/net/tls_session_cache.hpp>

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

namespace weir {

/// What a session belongs to: who has verified it, for which host.
struct tls_session_key {
  std::uint64_t context;
  std::string host;
  bool operator==(const tls_session_key&) const = default;
};

class tls_session_cache::store {
 public:
  explicit store(std::size_t sessions_max) : sessions_max_(sessions_max) {}

  void put(const tls_session_key& key, session_ptr session);
  /// The newest of that key; null when there is none. One of TLS 1.3 leaves the store.
  session_ptr take(const tls_session_key& key);

  std::size_t size() const noexcept { return entries_.size(); }
  void clear() noexcept { entries_.clear(); }

 private:
  struct entry {
    tls_session_key key;
    session_ptr session;
  };

  std::vector<entry>
      entries_; ///< oldest first; few enough to look through: a handshake costs a thousand times more
  std::size_t sessions_max_;
};

/// Where a connection puts the sessions that its server sends: SSL_get_app_data of a client.
struct tls_session_sink {
  std::shared_ptr<tls_session_cache::store> store;
  tls_session_key key;

  /// For SSL_CTX_sess_set_new_cb.
  static int on_new_session(SSL* of, SSL_SESSION* session) noexcept;
};

} // namespace weir
