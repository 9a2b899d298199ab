// Addresses of every family: made from text, asked from sockets, printed.
#include <weir/io/platform/sockets.hpp>
#include <weir/net/address.hpp>

#include <gtest/gtest.h>
#include <support/sockets.hpp>

#include <string>
#include <string_view>

namespace weir::test {
namespace {

using namespace std::string_view_literals;

TEST(address, names_ipv4_with_its_port) {
  const auto made = address::ip("127.0.0.1", 80);
  ASSERT_TRUE(made) << made.error().message();
  EXPECT_EQ(made->family(), AF_INET);
  EXPECT_EQ(made->raw_bytes(), sizeof(sockaddr_in));
  EXPECT_EQ(made->host(), "127.0.0.1");
  EXPECT_EQ(made->port(), 80);
  EXPECT_EQ(made->to_string(), "127.0.0.1:80");
  EXPECT_FALSE(made->is_unix());
  EXPECT_EQ(made->unix_path(), "");
}

TEST(address, names_ipv6_in_brackets) {
  const auto made = address::ip("::1", 65535);
  ASSERT_TRUE(made) << made.error().message();
  EXPECT_EQ(made->family(), AF_INET6);
  EXPECT_EQ(made->host(), "::1");
  EXPECT_EQ(made->port(), 65535);
  EXPECT_EQ(made->to_string(), "[::1]:65535");
}

TEST(address, takes_a_star_for_any) {
  const auto made = address::ip("*", 0);
  ASSERT_TRUE(made);
  EXPECT_EQ(made->to_string(), "0.0.0.0:0");
}

TEST(address, resolves_no_names) {
  for (const std::string_view host :
       {"localhost"sv, ""sv, "127.0.0"sv, "127.0.0.1 "sv, "127.0.0.1\0"sv, "[::1]"sv}) {
    const auto made = address::ip(host, 1);
    ASSERT_FALSE(made) << host;
    EXPECT_EQ(made.error(), errc::invalid_argument);
    EXPECT_EQ(made.error().endpoint(), host);
  }
}

TEST(address, parses_what_it_prints) {
  for (const std::string_view text : {"127.0.0.1:80"sv, "[::1]:80"sv, "0.0.0.0:0"sv, "[fe80::1]:65535"sv}) {
    const auto made = address::parse_ip(text);
    ASSERT_TRUE(made) << made.error().message();
    EXPECT_EQ(made->to_string(), text);
  }
  EXPECT_EQ(address::parse_ip("*:0")->to_string(), "0.0.0.0:0");
}

TEST(address, refuses_text_that_could_mean_something_else) {
  for (const std::string_view text :
       {""sv, "127.0.0.1"sv, "127.0.0.1:"sv, "127.0.0.1:65536"sv, "127.0.0.1:-1"sv, "127.0.0.1:80x"sv,
        "127.0.0.1: 80"sv, ":80"sv, "[]:80"sv, "[::1]"sv, "::1:80"sv, "[127.0.0.1]:80"sv, "localhost:80"sv}) {
    const auto made = address::parse_ip(text);
    ASSERT_FALSE(made) << text << " became " << made->to_string();
    EXPECT_EQ(made.error(), errc::invalid_argument) << text;
  }
}

TEST(address, names_unix_paths) {
  const std::string longest(107, 'p');
  for (const std::string_view path : {"/run/socket"sv, "relative"sv, std::string_view(longest)}) {
    const auto made = address::unix_path(path);
    ASSERT_TRUE(made) << made.error().message();
    EXPECT_TRUE(made->is_unix());
    EXPECT_EQ(made->unix_path(), path);
    EXPECT_EQ(made->host(), path);
    EXPECT_EQ(made->to_string(), path);
    EXPECT_EQ(made->port(), 0);
  }
}

TEST(address, refuses_paths_that_the_system_would_cut) {
  EXPECT_EQ(address::unix_path(std::string(108, 'p')).error(), std::errc::filename_too_long);
  EXPECT_EQ(address::unix_path("").error(), errc::invalid_argument);
  EXPECT_EQ(address::unix_path("a\0b"sv).error(), errc::invalid_argument);
}

TEST(address, names_abstract_sockets_with_an_at_sign) {
  const std::string longest(107, 'n');
  for (const std::string_view name : {"weir"sv, "with\0zero"sv, std::string_view(longest)}) {
    const auto made = address::unix_abstract(name);
    ASSERT_TRUE(made) << made.error().message();
    EXPECT_TRUE(made->is_unix());
    EXPECT_EQ(made->unix_path(), "") << "there is no file";
    EXPECT_EQ(made->to_string(), "@" + std::string(name));
  }
  EXPECT_EQ(address::unix_abstract(std::string(108, 'n')).error(), std::errc::filename_too_long);
  EXPECT_EQ(address::unix_abstract("").error(), errc::invalid_argument);
}

TEST(address, knows_loopback) {
  for (const std::string_view text :
       {"127.0.0.1:80"sv, "127.255.0.9:80"sv, "[::1]:80"sv, "[::ffff:127.0.0.1]:80"sv})
    EXPECT_TRUE(address::parse_ip(text)->is_loopback()) << text;
  for (const std::string_view text :
       {"*:80"sv, "126.0.0.1:80"sv, "128.0.0.1:80"sv, "[::]:80"sv, "[::2]:80"sv, "[::ffff:10.0.0.1]:80"sv})
    EXPECT_FALSE(address::parse_ip(text)->is_loopback()) << text;
  EXPECT_FALSE(address::unix_path("/run/socket")->is_loopback());
}

TEST(address, asks_a_socket_for_both_its_ends) {
  const connection pair = connect_pair(transport::tcp);
  const auto local = address::local_of(pair.ours.get());
  const auto remote = address::remote_of(pair.theirs.get());
  ASSERT_TRUE(local && remote);
  EXPECT_EQ(local->to_string(), remote->to_string());
  EXPECT_NE(local->port(), address::remote_of(pair.ours.get())->port());
}

TEST(address, of_an_unnamed_socket_is_empty) {
  const connection pair = connect_pair(transport::local);
  const auto local = address::local_of(pair.ours.get());
  ASSERT_TRUE(local);
  EXPECT_TRUE(local->is_unix());
  EXPECT_EQ(local->to_string(), "");
}

TEST(address, of_no_socket_is_an_error) {
  EXPECT_EQ(address::local_of(-1).error(), std::errc::bad_file_descriptor);
  const descriptor unconnected = open_socket(transport::tcp);
  EXPECT_EQ(address::remote_of(unconnected.get()).error(), std::errc::not_connected);
}

} // namespace
} // namespace weir::test
