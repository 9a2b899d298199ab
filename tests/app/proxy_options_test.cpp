#include <app/proxy_options.hpp>
#include <gtest/gtest.h>

#include <string>
#include <utility>

namespace weir::app {
namespace {

TEST(proxy_options, the_prefix_says_whether_an_endpoint_listens_or_connects) {
  const auto listens = parse_proxy_endpoint("router:tcp://*:5555", proxy_side::frontend);
  ASSERT_TRUE(listens);
  EXPECT_EQ(listens->address, "tcp://*:5555");
  EXPECT_FALSE(listens->connects);

  const auto connects = parse_proxy_endpoint("dealer+connect:ipc://@worker:1", proxy_side::backend);
  ASSERT_TRUE(connects);
  EXPECT_EQ(connects->address, "ipc://@worker:1");
  EXPECT_TRUE(connects->connects);
}

TEST(proxy_options, what_is_wrong_with_an_endpoint_is_told_with_its_text) {
  const std::pair<const char*, const char*> wrong[] = {
      {"tcp://*:5555", "a frontend begins with router: or router+connect:, unlike"},
      {"dealer:tcp://*:5555", "a frontend begins with router: or router+connect:, unlike"},
      {"router+bind:tcp://*:5555", "a frontend begins with router: or router+connect:, unlike"},
      {"router:tcp://*", "endpoint: no port"},
      {"router:tcp://*:65536", "endpoint: port is neither '*' nor a number up to 65535"},
      {"router:udp://*:1", "endpoint: transport is none of tcp, ipc, inproc"},
      {"router:inproc://here", "inproc reaches no other process:"},
      {"router+connect:tcp://*:5555", "nobody can connect to a wildcard:"},
  };
  for (const auto& [text, rule] : wrong) {
    const auto parsed = parse_proxy_endpoint(text, proxy_side::frontend);
    ASSERT_FALSE(parsed) << text;
    EXPECT_STREQ(parsed.error().operation(), rule);
    EXPECT_NE(std::string(text).find(std::string(parsed.error().endpoint()).substr(1, 5)), std::string::npos)
        << parsed.error().endpoint();
  }
}

TEST(proxy_options, a_backend_is_a_dealer) {
  const auto parsed = parse_proxy_endpoint("router:tcp://*:5556", proxy_side::backend);
  ASSERT_FALSE(parsed);
  EXPECT_STREQ(parsed.error().operation(), "a backend begins with dealer: or dealer+connect:, unlike");
}

} // namespace
} // namespace weir::app
