// Who is behind a connection: reads the PROXY protocol (proxy_protocol.hpp) in front of what the client says,
// but only where the connection comes from a proxy that is trusted:
//
//   result<stream_peer> peer = co_await read_proxy_header(client, policy);   // then serve `client` as ever
//
// Call it first, in the task that serves the connection: a proxy that is slow holds up nobody else. From a
// trusted network a header must come: without one, or with a broken one, the connection is to be closed.
// From anywhere else nothing is read, and what looks like a header is the client's own data.
//
// Takes exactly the header from the stream. Bound: `header_timeout`, `header_bytes_max`. Cancel-safety: as a
// read; but bytes of a header that were taken are gone, so the connection cannot be used then. Errors:
// errc::protocol and errc::limit_reached of the parser, errc::end_of_stream, std::errc::timed_out,
// std::errc::permission_denied; all name the peer. Thread rule: the stream's.
#pragma once

#include <weir/async/task.hpp>
#include <weir/base/result.hpp>
#include <weir/net/ip_network.hpp>
#include <weir/net/proxy_protocol.hpp>
#include <weir/net/stream.hpp>

#include <chrono>
#include <cstddef>
#include <optional>
#include <utility>
#include <vector>

namespace weir {

struct proxy_policy {
  proxy_policy() {}
  explicit proxy_policy(std::vector<ip_network> of_proxies) : trusted(std::move(of_proxies)) {}

  std::vector<ip_network> trusted; ///< of proxies that must send a header; empty: nobody is trusted
  bool trusts_local = false;       ///< whoever may connect to our unix-domain socket
  bool refuses_others = false;     ///< who is not trusted: permission_denied instead of a direct client
  std::chrono::nanoseconds header_timeout = std::chrono::seconds(3); ///< for the whole header
  std::size_t header_bytes_max = 4096;                               ///< of version 2
};

struct stream_peer {
  stream_peer(const address& of_client, const address& reached) : source(of_client), destination(reached) {}

  address source;                     ///< the client: told by the proxy, or the socket's own
  address destination;                ///< where it connected to
  std::optional<proxy_header> header; ///< what the proxy said; none of a direct client
};

task<result<stream_peer>> read_proxy_header(stream& from, const proxy_policy& policy);

} // namespace weir
