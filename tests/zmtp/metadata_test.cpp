#include "wire.hpp"

#include <weir/zmtp/metadata.hpp>

#include <gtest/gtest.h>

#include <algorithm>

namespace weir::zmtp {
namespace {

using namespace test;

std::string rule_broken_by(const octets& bytes) {
  const auto parsed = metadata::parse(bytes);
  if (parsed) return "";
  EXPECT_EQ(parsed.error(), errc::protocol);
  return parsed.error().operation();
}

TEST(metadata, walks_its_properties_in_order) {
  const octets bytes = wire("\x01"
                            "A"
                            "\0\0\0\x02"
                            "xy"
                            "\x03"
                            "X-b"
                            "\0\0\0\0"
                            "\x02"
                            "a1"
                            "\0\0\0\x01"
                            "z");
  const auto properties = metadata::parse(bytes);
  ASSERT_TRUE(properties);
  std::vector<std::pair<std::string_view, std::string_view>> seen;
  for (const property& each : *properties) seen.emplace_back(each.name, text_of(each.value));
  EXPECT_EQ(seen, (decltype(seen){{"A", "xy"}, {"X-b", ""}, {"a1", "z"}}));
  EXPECT_EQ(std::distance(properties->begin(), properties->end()), 3);
}

TEST(metadata, may_be_empty) {
  const auto properties = metadata::parse({});
  ASSERT_TRUE(properties);
  EXPECT_EQ(properties->begin(), properties->end());
  EXPECT_EQ(metadata().begin(), metadata().end());
}

TEST(metadata, tells_positions_apart_that_have_equally_little_left) {
  const octets bytes = wire("\x01"
                            "A"
                            "\0\0\0\0");
  const auto properties = metadata::parse(bytes);
  ASSERT_TRUE(properties);
  EXPECT_NE(properties->begin(), properties->end());
  EXPECT_EQ(std::next(properties->begin()), properties->end());
}

TEST(metadata, iterates_as_the_standard_library_expects) {
  static_assert(std::forward_iterator<metadata::iterator>);
  const octets bytes = joined(wire("\x01"
                                   "A"
                                   "\0\0\0\0"),
                              wire("\x01"
                                   "B"
                                   "\0\0\0\0"));
  const auto properties = metadata::parse(bytes);
  ASSERT_TRUE(properties);
  auto at = properties->begin();
  EXPECT_EQ((at++)->name, "A");
  EXPECT_EQ(at->name, "B");
}

TEST(metadata, finds_names_in_any_case_and_the_first_of_two) {
  const octets bytes = wire("\x08"
                            "iDENTITY"
                            "\0\0\0\x01"
                            "1"
                            "\x08"
                            "Identity"
                            "\0\0\0\x01"
                            "2");
  const auto properties = metadata::parse(bytes);
  ASSERT_TRUE(properties);
  ASSERT_TRUE(properties->find("Identity"));
  EXPECT_EQ(text_of(*properties->find("Identity")), "1");
  EXPECT_FALSE(properties->find("Identit"));
  EXPECT_FALSE(properties->find("Identity2"));
}

TEST(metadata, compares_letters_without_case_and_nothing_else) {
  EXPECT_TRUE(same_property_name("aZ-_.+09", "Az-_.+09"));
  EXPECT_FALSE(same_property_name("a", "ab"));
  EXPECT_FALSE(same_property_name("@", "`")); // as far apart as a capital letter from its small one
  EXPECT_FALSE(same_property_name("[", "{"));
}

TEST(metadata, ends_cleanly_only_between_properties) {
  const octets bytes = wire("\x01"
                            "A"
                            "\0\0\0\x02"
                            "xy"
                            "\x03"
                            "X-b"
                            "\0\0\0\x01"
                            "z");
  const std::size_t first_end = 8;
  for (std::size_t length = 0; length < bytes.size(); ++length) {
    const octets cut(bytes.begin(), bytes.begin() + static_cast<std::ptrdiff_t>(length));
    EXPECT_EQ(metadata::parse(cut).has_value(), length == 0 || length == first_end) << length;
  }
  EXPECT_TRUE(metadata::parse(bytes));
}

TEST(metadata, names_the_rule_that_was_broken) {
  EXPECT_EQ(rule_broken_by(wire("\0\0\0\0\0")), "READY: property without a name");
  EXPECT_EQ(rule_broken_by(wire("\x05"
                                "ABC")),
            "READY: property runs past the end");
  EXPECT_EQ(rule_broken_by(wire("\x01"
                                "A"
                                "\0\0\0")),
            "READY: property runs past the end");
  EXPECT_EQ(rule_broken_by(wire("\x01"
                                " "
                                "\0\0\0\0")),
            "READY: property name with a forbidden character");
  EXPECT_EQ(rule_broken_by(wire("\x01"
                                "A"
                                "\0\0\0\x02"
                                "x")),
            "READY: property value runs past the end");
  EXPECT_EQ(rule_broken_by(wire("\x01"
                                "A"
                                "\xff\xff\xff\xff"
                                "x")),
            "READY: property value runs past the end");
}

TEST(metadata, accepts_names_of_255_bytes) {
  const octets bytes = joined(wire("\xff"), repeated(255, 'n'),
                              wire("\0\0\0\x01"
                                   "v"));
  const auto properties = metadata::parse(bytes);
  ASSERT_TRUE(properties);
  EXPECT_EQ(properties->begin()->name.size(), 255U);
  EXPECT_EQ(property_bytes(255, 1), bytes.size());
}

} // namespace
} // namespace weir::zmtp
