// The examples of docs/names.md, as they stand there.
#include "resolver_rig.hpp"
#include "stream_ends.hpp"

#include <weir/net/happy_eyeballs.hpp>
#include <weir/net/listener.hpp>
#include <weir/net/proxy_accept.hpp>
#include <weir/net/resolver_connect.hpp>

namespace weir::test {
namespace {

// [connect_any]
task<result<stream>> connect_to_either(address one, address other) {
  connect_options options;
  options.timeout = 5s; // of everything together
  std::vector<address> both{one, other};
  co_return co_await connect_any(std::move(both), options);
}

// [resolve]
task<result<std::vector<address>>> look_up(std::string host) {
  result<resolver> names = co_await resolver::open(); // once a loop: it has the cache
  if (!names) co_return fail(names.error());
  co_return co_await with_deadline(2s, names->resolve(host, 443));
}

// [connect_host]
task<result<stream>> connect_by_name(resolver& names, std::string host) {
  return connect_host(names, std::move(host), 80);
}

// [proxy]
task<result<stream_peer>> who_is_there(stream& client) {
  result<ip_network> proxies = ip_network::parse("10.1.0.0/16");
  if (!proxies) co_return fail(proxies.error());
  const proxy_policy policy({*proxies});
  co_return co_await read_proxy_header(client, policy);
}

class resolver_docs : public resolver_rig {};

TEST_P(resolver_docs, connect_any) {
  run([&]() -> task<> {
    result<listener> good = listener::bind(*address::ip("127.0.0.1", 0));
    const address nobody = *address::ip("127.0.0.1", 1);
    result<stream> made = co_await connect_to_either(nobody, good->local_address());
    EXPECT_TRUE(made) << made.error().message();
  });
}

TEST_P(resolver_docs, resolve) {
  run([&]() -> task<> {
    const auto found = co_await look_up("127.0.0.1");
    EXPECT_EQ(text_of(found), "127.0.0.1:443");
  });
}

TEST_P(resolver_docs, connect_host) {
  dns_server server([](const dns_query& query) { return dns_reply(query, 3); });
  run_with(server, [&]() -> task<> {
    resolver names = co_await opened(server);
    const result<stream> made = co_await connect_by_name(names, "nowhere.example");
    EXPECT_EQ(made.error().message(), "resolve nowhere.example: name not found");
  });
}

TEST_P(resolver_docs, proxy) {
  run([&]() -> task<> {
    connection pair = connect_pair(transport::tcp);
    result<stream> client = stream::adopt(std::move(pair.ours));
    const result<stream_peer> peer = co_await who_is_there(*client);
    EXPECT_EQ(peer.value().source.host(), "127.0.0.1") << "not trusted: the socket's own";
  });
}

INSTANTIATE_TEST_SUITE_P(backends, resolver_docs, on_each_real_backend(), name_of_backend);

} // namespace
} // namespace weir::test
