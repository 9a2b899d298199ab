// Names to addresses, with a server that answers as it should.
#include "resolver_rig.hpp"

#include <weir/async/attempt.hpp>

#include <filesystem>
#include <fstream>

namespace weir::test {
namespace {

class resolver_test : public resolver_rig {};

TEST_P(resolver_test, asks_for_both_families_and_gives_ipv6_first) {
  dns_server server(two_families);
  run_with(server, [&]() -> task<> {
    resolver names = co_await opened(server);
    const auto found = co_await names.resolve("example.org", 443);
    EXPECT_EQ(text_of(found), "[fd00::1]:443 10.0.0.1:443");
    EXPECT_EQ(server.queries.size(), 2u);
    EXPECT_EQ(server.queries.front().name, "example.org");
  });
}

TEST_P(resolver_test, asks_for_one_family_when_told_to) {
  dns_server server(two_families);
  run_with(server, [&]() -> task<> {
    resolver names = co_await opened(server);
    const auto v4 = co_await names.resolve("example.org", 1, ip_family::v4);
    EXPECT_EQ(text_of(v4), "10.0.0.1:1");
    EXPECT_EQ(server.queries.size(), 1u);
    const auto v6 = co_await names.resolve("example.org", 1, ip_family::v6);
    EXPECT_EQ(text_of(v6), "[fd00::1]:1");
  });
}

TEST_P(resolver_test, is_content_with_one_family) {
  dns_server server([](const dns_query& query) -> std::optional<std::string> {
    if (query.type == type_aaaa) return dns_reply(query);
    return dns_reply(query).address("10.0.0.1").address("10.0.0.2");
  });
  run_with(server, [&]() -> task<> {
    resolver names = co_await opened(server);
    const auto found = co_await names.resolve("v4.example", 1);
    EXPECT_EQ(text_of(found), "10.0.0.1:1 10.0.0.2:1");
    const auto none = co_await names.resolve("v4.example", 1, ip_family::v6);
    EXPECT_TRUE(is_failure(none, make_error_code(resolve_errc::no_data)));
    EXPECT_EQ(text_of(none), "resolve v4.example: no address of this kind");
  });
}

TEST_P(resolver_test, needs_no_question_for_numbers_and_localhost) {
  dns_server server(two_families);
  run_with(server, [&]() -> task<> {
    resolver names = co_await opened(server);
    const auto v4 = co_await names.resolve("192.0.2.7", 80);
    EXPECT_EQ(text_of(v4), "192.0.2.7:80");
    const auto v6 = co_await names.resolve("2001:db8::7", 80);
    EXPECT_EQ(text_of(v6), "[2001:db8::7]:80");
    const auto other = co_await names.resolve("192.0.2.7", 80, ip_family::v6);
    EXPECT_TRUE(is_failure(other, make_error_code(resolve_errc::no_data)));
    const auto local = co_await names.resolve("LocalHost", 80);
    EXPECT_EQ(text_of(local), "[::1]:80 127.0.0.1:80");
    const auto below = co_await names.resolve("a.localhost.", 80, ip_family::v4);
    EXPECT_EQ(text_of(below), "127.0.0.1:80");
    EXPECT_TRUE(server.queries.empty());
  });
}

TEST_P(resolver_test, follows_aliases) {
  dns_server server([](const dns_query& query) -> std::optional<std::string> {
    if (query.type == type_aaaa) return dns_reply(query).alias("nowhere.example");
    return dns_reply(query).alias("b.example").alias("c.example").alias("d.example").address("10.0.0.4");
  });
  run_with(server, [&]() -> task<> {
    resolver names = co_await opened(server);
    const auto found = co_await names.resolve("a.example", 1);
    EXPECT_EQ(text_of(found), "10.0.0.4:1");
  });
}

TEST_P(resolver_test, tries_the_search_domains) {
  dns_server server([](const dns_query& query) -> std::optional<std::string> {
    if (query.name != "www.second.example") return dns_reply(query, 3);
    return two_families(query);
  });
  run_with(server, [&]() -> task<> {
    resolver_options options = options_for(server);
    options.search = {"first.example", "second.example"};
    resolver names = co_await opened(options);
    const auto found = co_await names.resolve("www", 1, ip_family::v4);
    EXPECT_EQ(text_of(found), "10.0.0.1:1");
    EXPECT_EQ(server.queries.front().name, "www.first.example");
    const auto whole = co_await names.resolve("www.", 1, ip_family::v4);
    EXPECT_TRUE(is_failure(whole, make_error_code(resolve_errc::name_not_found)));
  });
}

TEST_P(resolver_test, reads_the_search_domains_of_the_system) {
  const std::string path = testing::TempDir() + "weir_resolv_conf_" + std::to_string(::getpid());
  std::ofstream(path) << "search corp.example\n";
  dns_server server(two_families);
  run_with(server, [&]() -> task<> {
    resolver_options options = options_for(server);
    options.search.reset();
    options.resolv_conf = path;
    resolver names = co_await opened(options);
    const auto found = co_await names.resolve("www", 1, ip_family::v4);
    EXPECT_EQ(text_of(found), "10.0.0.1:1");
    EXPECT_EQ(server.queries.front().name, "www.corp.example");
  });
  std::filesystem::remove(path);
}

TEST_P(resolver_test, looks_into_the_hosts_file_first_and_sees_its_changes) {
  const std::string path = testing::TempDir() + "weir_hosts_" + std::to_string(::getpid());
  std::ofstream(path) << "10.1.1.1 Named other # comment\n";
  dns_server server(two_families);
  run_with(server, [&]() -> task<> {
    resolver_options options = options_for(server);
    options.hosts_file = path;
    options.hosts_refresh = 0ns;
    resolver names = co_await opened(options);
    const auto first = co_await names.resolve("named", 1);
    EXPECT_EQ(text_of(first), "10.1.1.1:1");
    const auto none = co_await names.resolve("named", 1, ip_family::v6);
    EXPECT_TRUE(is_failure(none, make_error_code(resolve_errc::no_data)));
    const auto back = co_await names.reverse(*address::ip("10.1.1.1", 0));
    EXPECT_EQ(back.value_or(""), "Named");
    std::ofstream(path) << "10.1.1.2 named\nfd00::5 named\n";
    const auto second = co_await names.resolve("named", 1);
    EXPECT_EQ(text_of(second), "[fd00::5]:1 10.1.1.2:1");
    EXPECT_TRUE(server.queries.empty());
    std::filesystem::remove(path);
    const auto third = co_await names.resolve("named", 1);
    EXPECT_EQ(text_of(third), "[fd00::1]:1 10.0.0.1:1") << "of the server";
  });
}

TEST_P(resolver_test, gives_the_name_of_an_address) {
  dns_server server([](const dns_query& query) -> std::optional<std::string> {
    if (query.type != type_ptr || query.name != "7.2.0.192.in-addr.arpa") return dns_reply(query, 3);
    return dns_reply(query).record(type_ptr, wire_name("seven.example"), 300);
  });
  run_with(server, [&]() -> task<> {
    resolver names = co_await opened(server);
    const auto name = co_await names.reverse(*address::ip("192.0.2.7", 80));
    EXPECT_EQ(name.value_or(""), "seven.example");
    const auto none = co_await names.reverse(*address::ip("192.0.2.8", 80));
    EXPECT_TRUE(!none && none.error() == make_error_code(resolve_errc::name_not_found));
    const auto path = co_await names.reverse(*address::unix_path("/run/socket"));
    EXPECT_TRUE(!path && path.error() == errc::invalid_argument);
  });
}

TEST_P(resolver_test, refuses_what_cannot_be_a_name) {
  dns_server server(two_families);
  run_with(server, [&]() -> task<> {
    resolver names = co_await opened(server);
    const std::vector<std::string> bad{"",
                                       std::string(255, 'a'),
                                       std::string("a\0b", 3),
                                       "fe80::1%eth0",
                                       std::string(64, 'a') + ".example",
                                       "a..b"};
    for (const std::string& each : bad) {
      const auto found = co_await names.resolve(each, 1);
      EXPECT_TRUE(!found && found.error() == errc::invalid_argument) << each << ": " << text_of(found);
    }
    EXPECT_TRUE(server.queries.empty());
  });
}

TEST_P(resolver_test, moves_and_says_when_it_cannot_be_opened) {
  dns_server server(two_families);
  run_with(server, [&]() -> task<> {
    resolver first = co_await opened(server);
    resolver second = co_await opened(server);
    second = std::move(first);
    const auto found = co_await second.resolve("example.org", 1, ip_family::v4);
    EXPECT_EQ(text_of(found), "10.0.0.1:1");
    resolver_options options = options_for(server);
    options.hosts_file = "/";
    const result<resolver> none = co_await resolver::open(options);
    EXPECT_TRUE(!none && none.error() == std::errc::is_a_directory);
    options = options_for(server);
    options.queries_max = 0;
    const result<resolver> neither = co_await resolver::open(options);
    EXPECT_TRUE(!neither && neither.error() == errc::invalid_argument);
  });
}

INSTANTIATE_TEST_SUITE_P(backends, resolver_test, on_each_real_backend(), name_of_backend);

} // namespace
} // namespace weir::test
