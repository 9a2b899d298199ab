// Blocks of addresses: what is in, what is out, what is none.
#include <weir/net/ip_network.hpp>

#include <gtest/gtest.h>

namespace weir::test {
namespace {

bool contains(const char* network, const char* host) {
  const result<ip_network> block = ip_network::parse(network);
  EXPECT_TRUE(block) << network;
  return block->contains(*address::ip(host, 80));
}

TEST(ip_network_test, contains_what_begins_like_it) {
  EXPECT_TRUE(contains("10.0.0.0/8", "10.255.255.255"));
  EXPECT_FALSE(contains("10.0.0.0/8", "11.0.0.0"));
  EXPECT_TRUE(contains("192.0.2.128/25", "192.0.2.200"));
  EXPECT_FALSE(contains("192.0.2.128/25", "192.0.2.127"));
  EXPECT_TRUE(contains("0.0.0.0/0", "203.0.113.9"));
  EXPECT_FALSE(contains("0.0.0.0/0", "::1")) << "another family";
  EXPECT_TRUE(contains("fd00::/8", "fdff::1"));
  EXPECT_FALSE(contains("fd00::/8", "fc00::1"));
  EXPECT_TRUE(contains("::/0", "2001:db8::1"));
  EXPECT_FALSE(contains("::/0", "10.0.0.1"));
  EXPECT_FALSE(contains("::/0", "::ffff:10.0.0.1"));
  EXPECT_TRUE(contains("0.0.0.0/0", "::ffff:10.0.0.1"));
}

TEST(ip_network_test, of_one_address_contains_that) {
  EXPECT_TRUE(contains("127.0.0.1", "127.0.0.1"));
  EXPECT_FALSE(contains("127.0.0.1", "127.0.0.2"));
  EXPECT_TRUE(contains("::1/128", "::1"));
  EXPECT_FALSE(contains("::1", "::2"));
}

TEST(ip_network_test, knows_ipv4_in_the_form_of_ipv6) {
  EXPECT_TRUE(contains("10.0.0.0/8", "::ffff:10.1.2.3"));
  EXPECT_FALSE(contains("10.0.0.0/8", "::ffff:11.1.2.3"));
}

TEST(ip_network_test, has_no_paths_in_it) {
  EXPECT_FALSE(ip_network::parse("::/0")->contains(*address::unix_path("/run/socket")));
}

TEST(ip_network_test, refuses_what_is_none) {
  for (const char* each :
       {"", "10.0.0.0/", "10.0.0.0/33", "::/129", "10.0.0.0/-1", "10.0.0.0/8x", "host/8", "*", "/8"}) {
    const result<ip_network> none = ip_network::parse(each);
    ASSERT_FALSE(none) << each;
    EXPECT_EQ(none.error(), errc::invalid_argument);
    EXPECT_EQ(none.error().endpoint(), each);
  }
}

} // namespace
} // namespace weir::test
