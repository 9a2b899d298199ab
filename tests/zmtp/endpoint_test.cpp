#include <weir/zmtp/endpoint.hpp>

#include <gtest/gtest.h>

namespace weir::zmtp {
namespace {

error error_of(std::string_view text) {
  const auto parsed = parse_endpoint(text);
  EXPECT_FALSE(parsed) << text;
  return parsed ? error(errc::closed, "no error") : parsed.error();
}

std::string rule_broken_by(std::string_view text) {
  const error reason = error_of(text);
  EXPECT_EQ(reason, errc::invalid_argument) << text;
  EXPECT_EQ(reason.endpoint(), text);
  return reason.operation();
}

TEST(endpoint, reads_tcp) {
  EXPECT_EQ(parse_endpoint("tcp://127.0.0.1:5555"), endpoint("127.0.0.1", 5555));
  EXPECT_EQ(parse_endpoint("tcp://example.org:1"), endpoint("example.org", 1));
  EXPECT_EQ(parse_endpoint("tcp://eth0:65535"), endpoint("eth0", 65535));
  EXPECT_EQ(parse_endpoint("tcp://[::1]:5555"), endpoint("::1", 5555));
  EXPECT_EQ(parse_endpoint("tcp://[fe80::1%eth0]:80"), endpoint("fe80::1%eth0", 80));
}

TEST(endpoint, reads_wildcards) {
  for (const char* text : {"tcp://*:*", "tcp://*:0", "tcp://*:5555", "tcp://[::]:*", "ipc://*"}) {
    const auto parsed = parse_endpoint(text);
    ASSERT_TRUE(parsed) << text;
    EXPECT_TRUE(parsed->is_wildcard()) << text;
  }
  EXPECT_EQ(parse_endpoint("tcp://*:*"), endpoint("*", 0));
  EXPECT_EQ(parse_endpoint("tcp://*:0"), endpoint("*", 0));
  for (const char* text : {"tcp://a:1", "ipc:///tmp/*", "inproc://*"})
    EXPECT_FALSE(parse_endpoint(text)->is_wildcard()) << text;
}

TEST(endpoint, reads_paths_and_names) {
  EXPECT_EQ(parse_endpoint("ipc:///tmp/a b"), endpoint(transport::ipc, "/tmp/a b"));
  EXPECT_EQ(parse_endpoint("ipc://relative"), endpoint(transport::ipc, "relative"));
  EXPECT_EQ(parse_endpoint("ipc://@abstract"), endpoint(transport::ipc, "@abstract"));
  EXPECT_EQ(parse_endpoint("inproc://a://b"), endpoint(transport::inproc, "a://b"));
}

TEST(endpoint, writes_what_it_reads) {
  for (const char* text : {"tcp://127.0.0.1:5555", "tcp://*:*", "tcp://[::1]:5555", "tcp://[::]:*",
                           "tcp://host:*", "ipc:///tmp/x", "ipc://@x", "inproc://x"})
    EXPECT_EQ(to_string(parse_endpoint(text).value()), text);
  EXPECT_EQ(to_string(parse_endpoint("tcp://*:0").value()), "tcp://*:*");
  EXPECT_EQ(to_string(parse_endpoint("tcp://a:007").value()), "tcp://a:7");
}

TEST(endpoint, says_what_is_wrong) {
  EXPECT_EQ(rule_broken_by(""), "endpoint: no '://'");
  EXPECT_EQ(rule_broken_by("127.0.0.1:5555"), "endpoint: no '://'");
  EXPECT_EQ(rule_broken_by("tcp:/a:1"), "endpoint: no '://'");
  EXPECT_EQ(rule_broken_by("tcp://"), "endpoint: no port");
  EXPECT_EQ(rule_broken_by("tcp://host"), "endpoint: no port");
  EXPECT_EQ(rule_broken_by("tcp://[::1]"), "endpoint: no port");
  EXPECT_EQ(rule_broken_by("tcp://:5555"), "endpoint: no host");
  EXPECT_EQ(rule_broken_by("tcp://[]:5555"), "endpoint: no host");
  for (const char* port : {"", "x", "65536", "99999999999", "-1", "+1", " 1", "1 ", "1/x", "**"})
    EXPECT_EQ(rule_broken_by(std::string("tcp://host:") + port),
              "endpoint: port is neither '*' nor a number up to 65535");
  EXPECT_EQ(rule_broken_by("tcp://::1:5555"), "endpoint: IPv6 address without brackets");
  EXPECT_EQ(rule_broken_by("tcp://[host]:5555"), "endpoint: brackets around what is no IPv6 address");
  for (const char* host : {"a b", "a/b", "[::1", "::1]", "\x7f", "\xc3\xa4", "[[::1]]"})
    EXPECT_EQ(rule_broken_by(std::string("tcp://") + host + ":1"),
              "endpoint: host with a forbidden character");
  for (const char* text : {"ipc://", "ipc://@", "inproc://"})
    EXPECT_EQ(rule_broken_by(text), "endpoint: no path or name");
  using namespace std::string_view_literals;
  EXPECT_EQ(rule_broken_by("ipc:///a\0b"sv), "endpoint: null in the path or name");
}

TEST(endpoint, says_what_is_not_supported) {
  for (const char* text : {"udp://a:1", "ws://a:1", "TCP://a:1", "://a:1", "tcp ://a:1"}) {
    EXPECT_EQ(error_of(text), std::errc::protocol_not_supported) << text;
    EXPECT_STREQ(error_of(text).operation(), "endpoint: transport is none of tcp, ipc, inproc");
  }
  EXPECT_EQ(error_of("tcp://127.0.0.1:0;10.0.0.1:5555"), std::errc::not_supported);
  EXPECT_STREQ(error_of("tcp://127.0.0.1:0;10.0.0.1:5555").operation(),
               "endpoint: source address before ';'");
}

} // namespace
} // namespace weir::zmtp
