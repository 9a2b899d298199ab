#include <weir/async/with_deadline.hpp>
#include <weir/net/proxy_accept.hpp>

#include <algorithm>
#include <array>
#include <span>

namespace weir {
namespace {

bool is_trusted(const address& peer, const proxy_policy& policy) noexcept {
  if (peer.is_unix()) return policy.trusts_local;
  return std::ranges::any_of(policy.trusted, [&](const ip_network& each) { return each.contains(peer); });
}

task<result<proxy_header>> read_header(stream& from, std::size_t bytes_max) {
  proxy_header_parser parser(bytes_max);
  std::array<std::byte, 256> buffer;
  while (!parser.complete()) {
    const std::size_t wanted = std::min(parser.wanted_bytes(), buffer.size());
    result<std::size_t> got = co_await from.read_some(std::span(buffer).first(wanted));
    if (!got) co_return fail(std::move(got).error());
    if (*got == 0) co_return fail(errc::end_of_stream, "PROXY header");
    const result<std::size_t> taken = parser.feed(std::span(buffer).first(*got));
    if (!taken) co_return fail(taken.error());
  }
  co_return parser.header();
}

} // namespace

task<result<stream_peer>> read_proxy_header(stream& from, const proxy_policy& policy) {
  const result<address> remote = from.remote_address();
  if (!remote) co_return fail(remote.error());
  const result<address> local = from.local_address();
  if (!local) co_return fail(local.error());
  stream_peer peer(*remote, *local);
  if (!is_trusted(*remote, policy)) {
    if (!policy.refuses_others) co_return peer;
    co_return fail(error(std::errc::permission_denied, "PROXY header").at(remote->to_string()));
  }
  result<proxy_header> header =
      co_await with_deadline(policy.header_timeout, read_header(from, policy.header_bytes_max));
  if (!header) co_return fail(std::move(header).error().at(remote->to_string()));
  if (header->source) peer.source = *header->source;
  if (header->destination) peer.destination = *header->destination;
  peer.header = std::move(*header);
  co_return peer;
}

} // namespace weir
