#include <weir/zmtp/socket_type.hpp>

#include <gtest/gtest.h>

#include <set>
#include <string>

namespace weir::zmtp {
namespace {

TEST(socket_type, names_go_there_and_back) {
  for (const std::string_view name : socket_type_names) {
    const auto type = socket_type_from(name);
    ASSERT_TRUE(type) << name;
    EXPECT_EQ(name_of(*type), name);
    EXPECT_LE(name.size(), socket_type_name_bytes_max);
  }
}

TEST(socket_type, has_the_numbers_of_the_c_interface) {
  EXPECT_EQ(socket_type_from("PAIR"), static_cast<socket_type>(0));
  EXPECT_EQ(socket_type_from("DEALER"), static_cast<socket_type>(5));
  EXPECT_EQ(socket_type_from("ROUTER"), static_cast<socket_type>(6));
  EXPECT_EQ(socket_type_from("XSUB"), static_cast<socket_type>(10));
}

TEST(socket_type, refuses_other_names) {
  for (const char* name : {"", "dealer", "DEALE", "DEALERS", "STREAM", "CLIENT", "SERVER", "DGRAM"})
    EXPECT_FALSE(socket_type_from(name)) << name;
}

TEST(socket_type, fits_as_the_specification_says) {
  const std::set<std::pair<std::string_view, std::string_view>> legal{
      {"REQ", "REP"},       {"REQ", "ROUTER"},    {"REP", "REQ"},       {"REP", "DEALER"},
      {"DEALER", "REP"},    {"DEALER", "DEALER"}, {"DEALER", "ROUTER"}, {"ROUTER", "REQ"},
      {"ROUTER", "DEALER"}, {"ROUTER", "ROUTER"}, {"PUB", "SUB"},       {"PUB", "XSUB"},
      {"XPUB", "SUB"},      {"XPUB", "XSUB"},     {"SUB", "PUB"},       {"SUB", "XPUB"},
      {"XSUB", "PUB"},      {"XSUB", "XPUB"},     {"PUSH", "PULL"},     {"PULL", "PUSH"},
      {"PAIR", "PAIR"}};
  for (const std::string_view one : socket_type_names)
    for (const std::string_view other : socket_type_names)
      EXPECT_EQ(compatible(*socket_type_from(one), *socket_type_from(other)), legal.contains({one, other}))
          << one << " with " << other;
}

TEST(socket_type, announces_an_identity_only_towards_a_router) {
  const std::set<std::string_view> with_identity{"REQ", "DEALER", "ROUTER"};
  for (const std::string_view name : socket_type_names)
    EXPECT_EQ(announces_identity(*socket_type_from(name)), with_identity.contains(name)) << name;
}

} // namespace
} // namespace weir::zmtp
