#include "wire.hpp"

#include <weir/zmtp/greeting.hpp>

#include <gtest/gtest.h>

namespace weir::zmtp {
namespace {

using namespace test;

octets greeting_of(char version_major, char version_minor, std::string_view mechanism) {
  octets bytes = wire("\xff\0\0\0\0\0\0\0\x01\x7f");
  bytes.resize(greeting_bytes);
  bytes[10] = static_cast<std::byte>(version_major);
  bytes[11] = static_cast<std::byte>(version_minor);
  std::memcpy(bytes.data() + 12, mechanism.data(), mechanism.size());
  return bytes;
}

/// Feeds one byte at a time up to the first error; returns it with the count of bytes that were taken before.
std::pair<std::size_t, std::string> first_error(std::span<const std::byte> bytes) {
  greeting_parser parser;
  for (std::size_t index = 0; index < bytes.size(); ++index)
    if (auto fed = parser.feed(bytes.subspan(index, 1)); !fed) {
      EXPECT_EQ(fed.error(), errc::protocol);
      return {index, fed.error().operation()};
    }
  return {bytes.size(), ""};
}

TEST(greeting, own_bytes_are_those_that_libzmq_insists_on) {
  EXPECT_EQ(copied(own_signature()), wire("\xff\0\0\0\0\0\0\0\x01\x7f"));
  const octets rest = joined(wire("\x03\x01"
                                  "NULL"),
                             octets(16), octets(1), octets(31));
  EXPECT_EQ(rest.size(), 54U);
  EXPECT_EQ(copied(own_greeting_rest()), rest);
}

TEST(greeting, accepts_its_own_at_every_split) {
  const octets whole = joined(own_signature(), own_greeting_rest());
  for (std::size_t first = 0; first <= whole.size(); ++first) {
    greeting_parser parser;
    const auto parts = std::span(whole);
    EXPECT_EQ(parser.feed(parts.first(first)), first);
    EXPECT_EQ(parser.signature_seen(), first >= 10);
    EXPECT_EQ(parser.missing_bytes(), first < 10 ? 10 - first : 64 - first);
    EXPECT_EQ(parser.complete(), first == 64);
    EXPECT_EQ(parser.feed(parts.subspan(first)), 64 - first);
    EXPECT_TRUE(parser.complete());
    EXPECT_EQ(parser.missing_bytes(), 0U);
    EXPECT_EQ(parser.peer_version(), own_version);
    EXPECT_EQ(parser.peer_mechanism(), "NULL");
  }
}

TEST(greeting, leaves_the_first_frame_alone) {
  const octets bytes = joined(own_signature(), own_greeting_rest(), wire("\x04\x29\x05READY"));
  greeting_parser parser;
  EXPECT_EQ(parser.feed(bytes), greeting_bytes);
  EXPECT_EQ(parser.feed(std::span(bytes).subspan(greeting_bytes)), 0U);
  EXPECT_TRUE(parser.complete());
}

TEST(greeting, ignores_padding_as_server_and_filler) {
  octets bytes = greeting_of(3, 0, "NULL");
  for (std::size_t index = 1; index <= 8; ++index) bytes[index] = std::byte{0};
  EXPECT_EQ(first_error(bytes).second, "");
  for (std::size_t index = 1; index <= 8; ++index) bytes[index] = std::byte{0xaa};
  for (std::size_t index = 32; index < greeting_bytes; ++index) bytes[index] = std::byte{1};
  EXPECT_EQ(first_error(bytes).second, "");
}

TEST(greeting, keeps_the_version_of_the_peer_and_agrees_on_the_lower_one) {
  struct {
    char major, minor;
    protocol_version agreed;
  } const cases[] = {{3, 0, {3, 0}}, {3, 1, {3, 1}}, {3, 2, {3, 1}}, {4, 0, {3, 1}}};
  for (const auto& each : cases) {
    greeting_parser parser;
    ASSERT_TRUE(parser.feed(greeting_of(each.major, each.minor, "NULL")));
    EXPECT_EQ(parser.peer_version().number_major, each.major);
    EXPECT_EQ(parser.peer_version().number_minor, each.minor);
    EXPECT_EQ(parser.agreed_version(), each.agreed);
  }
}

TEST(greeting, refuses_what_is_not_zmtp_at_the_byte_that_shows_it) {
  octets not_ff = greeting_of(3, 1, "NULL");
  not_ff[0] = std::byte{0x01};
  EXPECT_EQ(first_error(not_ff),
            std::pair(std::size_t{0}, std::string("greeting: does not begin with FF, not ZMTP 2 or later")));

  octets even_end = greeting_of(3, 1, "NULL");
  even_end[9] = std::byte{0x7e};
  EXPECT_EQ(first_error(even_end),
            std::pair(std::size_t{9},
                      std::string("greeting: signature does not end with 7F, not ZMTP 2 or later")));
}

TEST(greeting, refuses_versions_before_3) {
  for (const char version : {'\0', '\1', '\2'})
    EXPECT_EQ(first_error(greeting_of(version, 1, "NULL")),
              std::pair(std::size_t{10}, std::string("greeting: version is older than ZMTP 3.0")));
}

TEST(greeting, refuses_other_mechanisms_by_name) {
  const auto at_its_end = [](const char* rule) { return std::pair(std::size_t{31}, std::string(rule)); };
  EXPECT_EQ(first_error(greeting_of(3, 1, "PLAIN")), at_its_end("greeting: mechanism is PLAIN, not NULL"));
  EXPECT_EQ(first_error(greeting_of(3, 1, "CURVE")), at_its_end("greeting: mechanism is CURVE, not NULL"));
  EXPECT_EQ(first_error(greeting_of(3, 1, "GSSAPI")), at_its_end("greeting: mechanism is GSSAPI, not NULL"));
  for (const char* other : {"", "NUL", "NULLX", "null", "ABCDEFGHIJKLMNOPQRST"})
    EXPECT_EQ(first_error(greeting_of(3, 1, other)), at_its_end("greeting: mechanism is not NULL"));
  using namespace std::string_view_literals;
  EXPECT_EQ(first_error(greeting_of(3, 1, "NULL\0X"sv)),
            at_its_end("greeting: mechanism not padded with nulls"));
}

TEST(greeting, names_the_mechanism_it_refused) {
  greeting_parser parser;
  EXPECT_EQ(parser.peer_mechanism(), "");
  ASSERT_FALSE(parser.feed(greeting_of(3, 1, "ABCDEFGHIJKLMNOPQRST")));
  EXPECT_EQ(parser.peer_mechanism(), "ABCDEFGHIJKLMNOPQRST");
}

TEST(greeting, repeats_its_error_and_still_says_that_our_part_is_due) {
  greeting_parser parser;
  ASSERT_FALSE(parser.feed(greeting_of(3, 1, "CURVE")));
  EXPECT_TRUE(parser.signature_seen());
  EXPECT_FALSE(parser.complete());
  const auto again = parser.feed(own_signature());
  ASSERT_FALSE(again);
  EXPECT_STREQ(again.error().operation(), "greeting: mechanism is CURVE, not NULL");
}

} // namespace
} // namespace weir::zmtp
