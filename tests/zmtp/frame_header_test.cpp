#include "wire.hpp"

#include <weir/zmtp/frame_header.hpp>

#include <gtest/gtest.h>

namespace weir::zmtp {
namespace {

using namespace test;

octets encoded(frame_kind kind, std::uint64_t body_bytes) {
  octets bytes(header_bytes_max);
  bytes.resize(encode_header(bytes.data(), kind, body_bytes));
  EXPECT_EQ(bytes.size(), header_bytes_for(body_bytes));
  return bytes;
}

struct decoded {
  header_status status;
  frame_header header;
};

/// From memory of exactly this size, so that a sanitizer sees a read behind it.
decoded decode(std::span<const std::byte> bytes) {
  const octets exact(bytes.begin(), bytes.end());
  decoded out{};
  out.status = decode_header(exact.data(), exact.size(), out.header);
  return out;
}

TEST(frame_header, encodes_the_bytes_of_the_specification) {
  EXPECT_EQ(encoded(frame_kind::last, 5), wire("\x00\x05"));
  EXPECT_EQ(encoded(frame_kind::more, 0), wire("\x01\x00"));
  EXPECT_EQ(encoded(frame_kind::command, 0x29), wire("\x04\x29"));
  EXPECT_EQ(encoded(frame_kind::last, 255), wire("\x00\xff"));
  EXPECT_EQ(encoded(frame_kind::last, 256), wire("\x02\0\0\0\0\0\0\x01\x00"));
  EXPECT_EQ(encoded(frame_kind::last, 64'000), wire("\x02\0\0\0\0\0\0\xfa\x00"));
  EXPECT_EQ(encoded(frame_kind::more, 65'536), wire("\x03\0\0\0\0\0\x01\0\0"));
  EXPECT_EQ(encoded(frame_kind::command, 0x0102030405060708), wire("\x06\x01\x02\x03\x04\x05\x06\x07\x08"));
  EXPECT_EQ(encoded(frame_kind::last, body_bytes_max), wire("\x02\x7f\xff\xff\xff\xff\xff\xff\xff"));
}

TEST(frame_header, decodes_what_it_encodes_and_waits_at_every_byte_before) {
  for (const auto kind : {frame_kind::last, frame_kind::more, frame_kind::command})
    for (const std::uint64_t body_bytes : {std::uint64_t{0}, std::uint64_t{1}, std::uint64_t{255},
                                           std::uint64_t{256}, std::uint64_t{1} << 32, body_bytes_max}) {
      const octets bytes = encoded(kind, body_bytes);
      for (std::size_t available = 0; available < bytes.size(); ++available)
        EXPECT_EQ(decode(std::span(bytes).first(available)).status, header_status::incomplete);
      const frame_header expected{body_bytes, static_cast<std::uint8_t>(bytes.size()), kind};
      EXPECT_EQ(decode(bytes).status, header_status::complete);
      EXPECT_EQ(decode(bytes).header, expected);
      EXPECT_EQ(decode(joined(bytes, repeated(20))).header, expected);
    }
}

TEST(frame_header, accepts_the_long_form_of_a_short_body) {
  const auto [status, header] = decode(wire("\x03\0\0\0\0\0\0\0\x05"));
  EXPECT_EQ(status, header_status::complete);
  EXPECT_EQ(header, (frame_header{5, 9, frame_kind::more}));
}

TEST(frame_header, refuses_every_other_flag_at_the_first_byte) {
  for (unsigned flags = 0; flags < 256; ++flags) {
    const octets first{static_cast<std::byte>(flags)};
    auto expected = header_status::incomplete;
    if (flags > 7)
      expected = header_status::reserved_flag;
    else if ((flags & 5) == 5)
      expected = header_status::command_with_more;
    EXPECT_EQ(decode(first).status, expected) << "flags " << flags;
  }
}

TEST(frame_header, refuses_bodies_of_2_to_the_63_bytes) {
  EXPECT_EQ(decode(wire("\x02\x80\0\0\0\0\0\0\0")).status, header_status::body_too_long);
  EXPECT_EQ(decode(wire("\x06\xff\xff\xff\xff\xff\xff\xff\xff")).status, header_status::body_too_long);
}

TEST(frame_header, names_the_rule_that_was_broken) {
  EXPECT_STREQ(broken_rule(header_status::complete), "");
  EXPECT_STREQ(broken_rule(header_status::incomplete), "");
  EXPECT_STREQ(broken_rule(header_status::reserved_flag), "frame with a reserved flag");
  EXPECT_STREQ(broken_rule(header_status::command_with_more), "command frame with the MORE flag");
  EXPECT_STREQ(broken_rule(header_status::body_too_long), "frame of 2^63 bytes or more");
}

} // namespace
} // namespace weir::zmtp
