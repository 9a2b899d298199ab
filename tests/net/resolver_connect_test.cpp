// From a name to a connection: the families race as their addresses come.
#include "resolver_rig.hpp"
#include "stream_ends.hpp"

#include <weir/net/listener.hpp>
#include <weir/net/resolver_connect.hpp>

namespace weir::test {
namespace {

class resolver_connect : public resolver_rig {
 protected:
  static listener listening(const char* host, std::uint16_t port = 0) {
    result<listener> made = listener::bind(*address::ip(host, port));
    EXPECT_TRUE(made) << made.error().message();
    return std::move(*made);
  }
  static std::string peer_of(const result<stream>& made) {
    return made ? made->remote_address()->to_string() : made.error().message();
  }
  static connect_options slow() {
    connect_options options;
    options.attempt_delay = 1h;
    options.resolution_delay = 1h;
    return options;
  }
};

/// Containers often have none.
bool has_ipv6() {
  const descriptor socket(::socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0));
  const address any_port = *address::ip("::1", 0);
  return socket && ::bind(socket.get(), any_port.raw(), any_port.raw_bytes()) == 0;
}

std::optional<std::string> loopback(const dns_query& query) {
  if (query.type == type_aaaa) return dns_reply(query).address("::1");
  return dns_reply(query).address("127.0.0.1");
}

TEST_P(resolver_connect, prefers_ipv6_though_ipv4_came_first) {
  if (!has_ipv6()) GTEST_SKIP() << "no IPv6 here";
  dns_server server(silence);
  std::optional<dns_query> delayed;
  server.respond = [&](const dns_query& query) -> std::optional<std::string> {
    if (query.type == type_a) return loopback(query);
    delayed = query;
    return std::nullopt;
  };
  run_with(server, [&]() -> task<> {
    resolver names = co_await opened(server);
    listener v6 = listening("::1");
    auto answering = [&]() -> task<> {
      co_await until([&] { return names.queries_in_flight() == 1 && delayed; });
      server.answer(*delayed, loopback(*delayed));
    };
    auto [made, done] = co_await when_all(
        connect_host(names, "both.example", v6.local_address().port(), slow()), answering());
    EXPECT_EQ(peer_of(made), v6.local_address().to_string());
  });
}

TEST_P(resolver_connect, waits_for_ipv6_no_longer_than_allowed) {
  dns_server server([](const dns_query& query) -> std::optional<std::string> {
    if (query.type == type_aaaa) return std::nullopt;
    return loopback(query);
  });
  run_with(server, [&]() -> task<> {
    resolver names = co_await opened(server);
    listener v4 = listening("127.0.0.1");
    connect_options options = slow();
    options.resolution_delay = 5ms;
    result<stream> made = co_await connect_host(names, "slow.example", v4.local_address().port(), options);
    EXPECT_EQ(peer_of(made), v4.local_address().to_string());
  });
}

TEST_P(resolver_connect, goes_on_with_ipv4_where_ipv6_is_refused) {
  dns_server server(loopback);
  run_with(server, [&]() -> task<> {
    resolver names = co_await opened(server);
    listener v4 = listening("127.0.0.1");
    result<stream> made = co_await connect_host(names, "both.example", v4.local_address().port(), slow());
    EXPECT_EQ(peer_of(made), v4.local_address().to_string());
    result<stream> theirs = co_await v4.accept();
    co_await write_text(*theirs, "welcome");
    const std::string text = co_await read_text(*made, 7);
    EXPECT_EQ(text, "welcome");
  });
}

TEST_P(resolver_connect, does_not_wait_where_there_is_no_ipv6) {
  dns_server server([](const dns_query& query) -> std::optional<std::string> {
    if (query.type == type_aaaa) return dns_reply(query);
    return loopback(query);
  });
  run_with(server, [&]() -> task<> {
    resolver names = co_await opened(server);
    listener v4 = listening("127.0.0.1");
    result<stream> made = co_await connect_host(names, "v4.example", v4.local_address().port(), slow());
    EXPECT_EQ(peer_of(made), v4.local_address().to_string());
  });
}

TEST_P(resolver_connect, tells_that_the_name_has_no_address) {
  dns_server server([](const dns_query& query) { return dns_reply(query, 3); });
  run_with(server, [&]() -> task<> {
    resolver names = co_await opened(server);
    result<stream> made = co_await connect_host(names, "nowhere.example", 80, slow());
    EXPECT_EQ(peer_of(made), "resolve nowhere.example: name not found");
  });
}

TEST_P(resolver_connect, tells_why_no_address_answered) {
  if (!has_ipv6()) GTEST_SKIP() << "no IPv6 here";
  dns_server server(loopback);
  run_with(server, [&]() -> task<> {
    resolver names = co_await opened(server);
    std::uint16_t port = 0;
    {
      listener gone = listening("127.0.0.1");
      port = gone.local_address().port();
    }
    co_await turns(3);
    const std::string at = std::to_string(port);
    result<stream> made = co_await connect_host(names, "both.example", port, slow());
    EXPECT_EQ(peer_of(made), "connect [::1]:" + at + " (Connection refused), 127.0.0.1:" + at +
                                 " (Connection refused): Connection refused");
  });
}

TEST_P(resolver_connect, ends_at_its_deadline_while_nobody_answers) {
  dns_server server(silence);
  run_with(server, [&]() -> task<> {
    resolver names = co_await opened(server);
    connect_options options;
    options.timeout = 5ms;
    result<stream> made = co_await connect_host(names, "silent.example", 80, options);
    EXPECT_TRUE(!made && made.error().is_timeout());
    EXPECT_EQ(made.error().endpoint(), "silent.example");
  });
}

TEST_P(resolver_connect, cancelled_leaves_nothing) {
  dns_server server(silence);
  run_with(server, [&]() -> task<> {
    resolver names = co_await opened(server);
    result<stream> made = co_await with_deadline(5ms, connect_host(names, "silent.example", 80));
    EXPECT_TRUE(!made && made.error().is_timeout());
  });
}

INSTANTIATE_TEST_SUITE_P(backends, resolver_connect, on_each_real_backend(), name_of_backend);

} // namespace
} // namespace weir::test
