// tls_session_cache: sessions that a client may resume, which saves it the costly half of a handshake.
//
// A session is found again by the host name and the context that it was made with, so what one context has
// verified never serves another. Those of TLS 1.3 are used once (RFC 8446, C.4): a server sends new ones on
// each connection, which arrive with its first reads. Bound: `sessions_max`; the oldest goes. Thread rule:
// one loop's thread. Lifetime: may die before the streams that fill it.
#pragma once

#include <cstddef>
#include <memory>

namespace weir {

class tls_session_cache {
 public:
  explicit tls_session_cache(std::size_t sessions_max = 256);

  std::size_t size() const noexcept;
  void clear() noexcept;

  class store;
  /// For tls_stream.
  const std::shared_ptr<store>& shared_store() const noexcept { return store_; }

 private:
  std::shared_ptr<store> store_;
};

} // namespace weir
