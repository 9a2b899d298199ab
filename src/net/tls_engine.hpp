// tls_engine: one TLS connection without any I/O: encrypted bytes are fed in and pile up for the way out,
// plain bytes are taken out and put in.
//
// OpenSSL reads from and writes to the engine by a BIO of its own kind, so that neither side needs a copy in
// between. Bound: one fed piece; `output` grows by what one call makes: a flight of the handshake, an answer
// to each message of a fed piece, or `encrypt_max_bytes`. Thread rule: one thread. Lifetime: neither moves
// nor is copied: the BIO points here.
#pragma once

#include "tls_openssl.hpp"

#include <weir/base/buffer_pool.hpp>
#include <weir/base/lease.hpp>
#include <weir/base/result.hpp>
#include <weir/net/outbound.hpp>

#include <cstddef>
#include <optional>
#include <span>

namespace weir {

class tls_engine {
 public:
  /// Most plain bytes that one `encrypt` takes: three records, which fit into one chunk of a loop's send
  /// pool.
  static constexpr std::size_t encrypt_max_bytes = 3 * std::size_t{16384};

  tls_engine(ssl_ptr made, buffer_pool& chunks);
  ~tls_engine();
  tls_engine(const tls_engine&) = delete;
  tls_engine& operator=(const tls_engine&) = delete;

  SSL* ssl() const noexcept { return ssl_.get(); }

  /// What the peer has sent. Precondition: the piece before is used up.
  void feed(lease piece) noexcept { input_ = std::move(piece); }
  bool needs_input() const noexcept { return input_.empty(); }
  /// What has to go to the peer, also after a failure: an alert that tells it.
  outbound& output() noexcept { return output_; }
  const outbound& output() const noexcept { return output_; }

  /// True when it is complete; false: it needs more input.
  result<bool> handshake();
  /// How many plain bytes it has put into `into`; 0 at the peer's close_notify. Nothing: it needs more input.
  result<std::optional<std::size_t>> decrypt(std::span<std::byte> into);
  /// How many of the bytes it has taken; all where they are not too many. Precondition: not empty.
  result<std::size_t> encrypt(std::span<const std::byte> from);
  /// Nothing can be encrypted any more. After a failure and before the handshake's end it says nothing.
  void close_notify() noexcept;
  result<> update_keys();

 private:
  static const BIO_METHOD* bio_method();
  static int on_read(BIO* of, char* into, std::size_t size, std::size_t* count) noexcept;
  static int on_write(BIO* of, const char* from, std::size_t size, std::size_t* count) noexcept;
  static long on_control(BIO* of, int command, long argument, void* pointer) noexcept;

  bool wants_input(int outcome) const noexcept;
  std::unexpected<error> failure(const char* operation) noexcept;

  ssl_ptr ssl_;
  lease input_;
  outbound output_;
  bool is_out_of_memory_ = false;
  bool has_failed_ = false;
};

} // namespace weir
