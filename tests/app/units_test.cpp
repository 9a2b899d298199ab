#include <app/units.hpp>
#include <gtest/gtest.h>

#include <chrono>

namespace weir::app {
namespace {

using namespace std::chrono_literals;

TEST(units, counts_have_a_comma_every_three_digits) {
  EXPECT_EQ(format_count(0), "0");
  EXPECT_EQ(format_count(999), "999");
  EXPECT_EQ(format_count(1'000), "1,000");
  EXPECT_EQ(format_count(1'234'567), "1,234,567");
  EXPECT_EQ(format_count(~0ull), "18,446,744,073,709,551,615");
}

TEST(units, bytes_are_written_in_the_largest_unit_that_they_fill) {
  EXPECT_EQ(format_bytes(0), "0 B");
  EXPECT_EQ(format_bytes(1'023), "1023 B");
  EXPECT_EQ(format_bytes(1'024), "1 KiB");
  EXPECT_EQ(format_bytes(1'536), "1.5 KiB");
  EXPECT_EQ(format_bytes(64ull << 20), "64 MiB");
  EXPECT_EQ(format_bytes(3ull << 40), "3 TiB");
}

TEST(units, durations_are_written_in_the_largest_unit_in_which_they_are_whole) {
  EXPECT_EQ(format_duration(0ns), "0 s");
  EXPECT_EQ(format_duration(1500ns), "1500 ns");
  EXPECT_EQ(format_duration(10ms), "10 ms");
  EXPECT_EQ(format_duration(60s), "1 m");
  EXPECT_EQ(format_duration(90s), "90 s");
}

TEST(units, sizes_are_read_in_every_spelling) {
  for (const char* text : {"65536", "65536B", "64K", "64k", "64KB", "64KiB", "64kib"})
    EXPECT_EQ(parse_bytes(text).value(), 65'536u) << text;
  EXPECT_EQ(parse_bytes("0").value(), 0u);
  EXPECT_EQ(parse_bytes("8M").value(), 8u << 20);
  EXPECT_EQ(parse_bytes("1GiB").value(), 1u << 30);
  EXPECT_EQ(parse_bytes("2t").value(), 2ull << 40);
}

TEST(units, what_is_no_size_is_refused_by_name) {
  for (const char* text : {"", "K", "-1", "1.5M", "64 K", "64X", "64Kx", "64bib", "18446744073709551616"}) {
    const auto parsed = parse_bytes(text);
    ASSERT_FALSE(parsed) << text;
    EXPECT_EQ(parsed.error().endpoint(), "'" + std::string(text) + "'");
  }
  EXPECT_FALSE(parse_bytes("16777216T")) << "2^64 bytes do not fit";
  EXPECT_TRUE(parse_bytes("16777215T"));
}

TEST(units, times_are_read_with_their_unit_or_in_seconds) {
  EXPECT_EQ(parse_duration("0").value(), 0ms);
  EXPECT_EQ(parse_duration("5").value(), 5s);
  EXPECT_EQ(parse_duration("5s").value(), 5s);
  EXPECT_EQ(parse_duration("250ms").value(), 250ms);
  EXPECT_EQ(parse_duration("2M").value(), 2min);
  EXPECT_EQ(parse_duration("1h").value(), 1h);
}

TEST(units, what_is_no_time_is_refused_by_name) {
  for (const char* text : {"", "s", "-5s", "5x", "5 s", "5us", "9000h"}) {
    const auto parsed = parse_duration(text);
    ASSERT_FALSE(parsed) << text;
    EXPECT_EQ(parsed.error().endpoint(), "'" + std::string(text) + "'");
  }
}

} // namespace
} // namespace weir::app
