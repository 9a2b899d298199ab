// tls_stream: TLS 1.2 or 1.3 over any byte stream (docs/tls.md), with the face of a stream.
//
// Reading decrypts what the carrier brings, as it is asked for: backpressure is the carrier's. Writing
// encrypts and hands over; a writer waits where the carrier does. An end without close_notify is
// tls_errc::truncated, never an end. Key updates and tickets of the peer are handled inside reads; what
// they make us say goes out at once where the carrier takes it, else with the next write. Thread rule: the
// loop's thread. At most one task reads and one writes at a time (asserted). Lifetime: movable, also under a
// pending call. Destroying it closes the carrier at once, without close_notify; `close` says good-bye.
// Cancel-safety: every call. A read that is cancelled loses nothing, a write took nothing; `read_exactly` and
// `write_all` report how many bytes were moved. A handshake that fails or is cancelled closes its carrier.
// Bound: one piece of the carrier's, one record of 16 KiB in each direction, 64 KiB of encrypted bytes that
// the carrier has not taken. Idle, it holds no buffer. Errors: those of OpenSSL (tls_error.hpp) and of the
// carrier, with the peer's name. An error of reading comes again.
#pragma once

#include <weir/async/task.hpp>
#include <weir/base/lease.hpp>
#include <weir/base/result.hpp>
#include <weir/base/transfer.hpp>
#include <weir/net/byte_stream.hpp>
#include <weir/net/tls_context.hpp>
#include <weir/net/tls_error.hpp>
#include <weir/net/tls_session_cache.hpp>

#include <cstddef>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace weir {

struct tls_connect_options {
  explicit tls_connect_options(std::string host_name, tls_session_cache* cache = nullptr)
      : host(std::move(host_name)), sessions(cache) {}

  std::string host;            ///< name or IP address that the certificate must be for; names go into SNI
  tls_session_cache* sessions; ///< where sessions are kept and found; null: each handshake is a full one
};

class tls_stream {
 public:
  tls_stream() noexcept;
  tls_stream(tls_stream&&) noexcept;
  tls_stream& operator=(tls_stream&&) noexcept;
  ~tls_stream();

  /// The client's handshake. Give it a deadline: a peer that is silent holds it up for ever.
  static task<result<tls_stream>> connect(any_byte_stream carrier, tls_context as,
                                          tls_connect_options options);
  /// The server's. Not in the task that accepts connections: one silent client would keep out the others.
  static task<result<tls_stream>> accept(any_byte_stream carrier, tls_context as);

  explicit operator bool() const noexcept { return core_ != nullptr; }

  /// The next bytes, at most a slot of the loop's receive pool; an empty lease at the peer's close_notify.
  task<result<lease>> read();
  /// At least one byte, at most `into.size()`; 0 at the end.
  task<result<std::size_t>> read_some(std::span<std::byte> into);
  /// All of `into`, or the reason why not: errc::end_of_stream at the end.
  task<transfer> read_exactly(std::span<std::byte> into);

  /// At least one byte, at most 48 KiB; waits while the carrier takes none. Nothing is kept of `bytes`.
  task<result<std::size_t>> write(std::span<const std::byte> bytes);
  task<transfer> write_all(std::span<const std::byte> bytes);
  /// Waits until everything written has left the carrier.
  task<result<void>> flush();

  /// Sends close_notify behind everything written. Reading goes on; the carrier stays open in both
  /// directions.
  task<result<void>> shutdown();
  /// The same, then closes the carrier; does not wait for the peer's close_notify.
  task<result<void>> close();

  // What the handshake has settled.
  std::string_view protocol() const noexcept; ///< by ALPN; empty: none
  std::string_view version() const noexcept;  ///< "TLSv1.3"
  std::string_view cipher() const noexcept;
  std::string_view server_name() const noexcept; ///< what the client asked for (SNI); empty: nothing
  bool is_resumed() const noexcept;
  /// Of the peer's certificate: "CN=alice,O=Example" (RFC 2253), and the whole of it, DER. Empty: it has
  /// none.
  std::string peer_subject() const;
  std::vector<std::byte> peer_certificate() const;
  /// The peer, for people: "localhost (127.0.0.1:4433)".
  const std::string& remote_name() const noexcept;

  // For tests and other experts.
  /// Sends a key update, which the peer has to answer, before the next bytes. TLS 1.3.
  result<void> update_keys();
  /// Encrypted bytes that the carrier has not taken.
  std::size_t unsent_bytes() const noexcept;

 private:
  class core;
  explicit tls_stream(std::unique_ptr<core> made) noexcept;
  static task<result<tls_stream>> opened(std::unique_ptr<core> made);

  std::unique_ptr<core> core_;
};

static_assert(byte_stream<tls_stream>, "TLS within TLS");

} // namespace weir
