// Both ends of one TLS connection on one loop, over each kind of carrier.
#pragma once

#include "memory_stream.hpp"
#include "stream_ends.hpp"
#include "tls_certificates.hpp"

#include <weir/net/tls_stream.hpp>

#include <string>
#include <utility>

namespace weir::test {

enum class carrier : std::uint8_t { tcp, local, single_bytes };

inline const char* name_of(carrier which) {
  switch (which) {
  case carrier::tcp:
    return "tcp";
  case carrier::local:
    return "local";
  case carrier::single_bytes:
    break;
  }
  return "single_bytes";
}

struct tls_ends {
  tls_ends(result<tls_stream> connected, result<tls_stream> accepted)
      : client(std::move(connected)), server(std::move(accepted)) {}
  result<tls_stream> client;
  result<tls_stream> server;
};

struct tls_settings {
  tls_settings(tls_client_options ours, tls_server_options theirs)
      : client(std::move(ours)), server(std::move(theirs)) {}
  tls_client_options client;
  tls_server_options server;
  tls_connect_options connect{"localhost"};
};

/// A server with a certificate of its own making, and a client that trusts it.
inline tls_settings plain_settings(tls_version version = tls_version::v1_3) {
  const credentials own = workshop().self_signed("localhost");
  tls_settings made(tls_client_options(), tls_server_options(own.identity()));
  made.client.authorities.push_back(own.certificate_pem());
  made.client.version_min = made.client.version_max = version;
  return made;
}

inline tls_context context_of(const tls_client_options& options) {
  result<tls_context> made = tls_context::client(options);
  EXPECT_TRUE(made) << made.error().message();
  return made.value_or(tls_context());
}
inline tls_context context_of(const tls_server_options& options) {
  result<tls_context> made = tls_context::server(options);
  EXPECT_TRUE(made) << made.error().message();
  return made.value_or(tls_context());
}

/// Two ends of one connection. Call it from a coroutine.
inline std::pair<any_byte_stream, any_byte_stream> carriers(carrier over) {
  if (over == carrier::single_bytes) {
    memory_stream::limits bounds;
    bounds.piece_bytes = 1;
    auto [one, other] = memory_stream::pair(bounds);
    return {std::move(one), std::move(other)};
  }
  connection sockets = connect_pair(over == carrier::tcp ? transport::tcp : transport::local);
  result<stream> one = stream::adopt(std::move(sockets.ours));
  result<stream> other = stream::adopt(std::move(sockets.theirs));
  EXPECT_TRUE(one && other);
  return {std::move(*one), std::move(*other)};
}

inline task<tls_ends> shake_hands(any_byte_stream client, any_byte_stream server, tls_context as_client,
                                  tls_context as_server,
                                  tls_connect_options options = tls_connect_options("localhost")) {
  auto [connected, accepted] =
      co_await when_all(tls_stream::connect(std::move(client), std::move(as_client), std::move(options)),
                        tls_stream::accept(std::move(server), std::move(as_server)));
  co_return tls_ends(std::move(connected), std::move(accepted));
}

/// Once on each backend over each kind of carrier.
class tls_test : public per_backend_and_kind<coroutine_fixture, carrier> {
 protected:
  /// As the settings say; neither has to succeed.
  task<tls_ends> attempt(tls_settings settings) {
    auto [client, server] = carriers(over());
    co_return co_await shake_hands(std::move(client), std::move(server), context_of(settings.client),
                                   context_of(settings.server), settings.connect);
  }
  task<tls_ends> connected(tls_settings settings = plain_settings()) {
    tls_ends made = co_await attempt(std::move(settings));
    EXPECT_TRUE(made.client) << made.client.error().message();
    EXPECT_TRUE(made.server) << made.server.error().message();
    co_return made;
  }
};

inline auto over_each_carrier() {
  return testing::Combine(on_each_backend(),
                          testing::Values(carrier::tcp, carrier::local, carrier::single_bytes));
}
inline auto over_tls_tcp() {
  return testing::Combine(on_each_backend(), testing::Values(carrier::tcp));
}

/// Exactly `size` bytes, or what came before the end or an error.
inline task<std::string> read_text(tls_stream& from, std::size_t size) {
  std::string text(size, '\0');
  const transfer moved = co_await from.read_exactly(std::as_writable_bytes(std::span(text)));
  text.resize(moved.bytes());
  co_return text;
}
inline task<> write_text(tls_stream& to, std::string_view text) {
  const transfer moved = co_await to.write_all(bytes_of(text));
  EXPECT_TRUE(moved) << moved.error().message();
}

struct ending {
  std::string text;         ///< what came before it
  std::optional<error> why; ///< empty: the peer's close_notify
};

inline task<ending> read_to_ending(tls_stream& from) {
  ending all;
  for (;;) {
    result<lease> piece = co_await from.read();
    if (!piece) all.why = piece.error();
    if (!piece || piece->empty()) co_return all;
    all.text += text_of(piece->bytes());
  }
}

} // namespace weir::test
