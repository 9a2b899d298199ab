// The PROXY protocol's codec: both versions, each rule of theirs broken, and every way to cut them.
#include <weir/net/proxy_protocol.hpp>

#include <gtest/gtest.h>

#include <span>
#include <string>

namespace weir::test {
namespace {

std::span<const std::byte> octets_of(std::string_view text) {
  return std::as_bytes(std::span(text));
}

/// The header at the beginning of `text`, or the broken rule.
std::string told_by(std::string_view text, std::size_t bytes_max = 4096) {
  proxy_header_parser parser(bytes_max);
  const result<std::size_t> taken = parser.feed(octets_of(text));
  if (!taken) return taken.error().operation();
  if (!parser.complete()) return "incomplete";
  const proxy_header& header = parser.header();
  std::string told = "v" + std::to_string(header.version);
  if (header.is_local) told += " local";
  if (header.is_datagram) told += " datagram";
  if (header.source) told += " from " + header.source->to_string();
  if (header.destination) told += " to " + header.destination->to_string();
  for (const proxy_tlv& each : header.tlvs) told += " " + std::to_string(each.type) + "=" + each.value;
  if (*taken < text.size()) told += " | " + std::string(text.substr(*taken));
  return told;
}

std::string v2(std::string_view version_and_family, std::string_view body) {
  std::string whole("\r\n\r\n\0\r\nQUIT\n", 12);
  whole += version_and_family;
  whole += static_cast<char>(body.size() >> 8);
  whole += static_cast<char>(body.size());
  whole += body;
  return whole;
}
const std::string inet_block("\xc0\x00\x02\x01\xc6\x33\x64\x01\xdc\x04\x01\xbb", 12);
const std::string inet6_block = std::string("\xfd", 1) + std::string(14, '\0') + "\x01" +
                                std::string("\xfd", 1) + std::string(14, '\0') + "\x02" +
                                std::string("\xdc\x04\x01\xbb", 4);

TEST(proxy_protocol_v1, tells_both_ends) {
  EXPECT_EQ(told_by("PROXY TCP4 192.0.2.1 198.51.100.1 56324 443\r\n"),
            "v1 from 192.0.2.1:56324 to 198.51.100.1:443");
  EXPECT_EQ(told_by("PROXY TCP6 fd00::1 ::1 0 65535\r\n"), "v1 from [fd00::1]:0 to [::1]:65535");
  EXPECT_EQ(told_by("PROXY TCP4 0.0.0.0 0.0.0.0 0 0\r\nGET /"), "v1 from 0.0.0.0:0 to 0.0.0.0:0 | GET /");
}

TEST(proxy_protocol_v1, may_not_know) {
  EXPECT_EQ(told_by("PROXY UNKNOWN\r\n"), "v1");
  EXPECT_EQ(told_by("PROXY UNKNOWN anything at all 1 2\r\nrest"), "v1 | rest");
}

TEST(proxy_protocol_v1, is_at_most_107_bytes_long) {
  const std::string longest = "PROXY TCP6 ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff "
                              "ffff:ffff:ffff:ffff:ffff:ffff:ffff:fffe 65535 65535\r\n";
  ASSERT_EQ(longest.size(), 104u);
  EXPECT_TRUE(told_by(longest).starts_with("v1 from ")) << told_by(longest);
  const std::string start = "PROXY UNKNOWN ";
  EXPECT_EQ(told_by(start + std::string(105 - start.size(), 'x') + "\r\n"), "v1");
  for (const char* end : {"\r\n", "xx", "x\r", ""})
    EXPECT_EQ(told_by(start + std::string(106 - start.size(), 'x') + end),
              "PROXY v1: a line longer than 107 bytes");
  std::string in_pairs = start + std::string(105 - start.size(), 'x') + "x\r";
  EXPECT_EQ(told_by(in_pairs), "PROXY v1: a line longer than 107 bytes");
}

TEST(proxy_protocol_v1, refuses_what_breaks_its_rules) {
  for (const char* each :
       {"PROXY TCP4 192.0.2.1 198.51.100.1 56324\r\n", "PROXY TCP4  192.0.2.1 198.51.100.1 56324 443\r\n",
        "PROXY TCP4 192.0.2.1 198.51.100.1 56324 443 \r\n", "PROXY UNKNOWNS\r\nand more"})
    EXPECT_EQ(told_by(each), "PROXY v1: not six words with one space between") << each;
  EXPECT_EQ(told_by("PROXY TCP5 192.0.2.1 198.51.100.1 1 2\r\n"), "PROXY v1: neither TCP4, TCP6 nor UNKNOWN");
  for (const char* each :
       {"PROXY TCP4 fd00::1 fd00::2 1 2\r\n", "PROXY TCP6 192.0.2.1 192.0.2.2 1 2\r\n",
        "PROXY TCP4 * 192.0.2.2 1 2\r\n", "PROXY TCP4 192.0.2 192.0.2.2 1 2\r\n",
        "PROXY TCP4 example.org 192.0.2.2 1 2\r\n", "PROXY TCP4 192.0.2.1 192.0.2.256 1 2\r\n"})
    EXPECT_EQ(told_by(each), "PROXY v1: not an address of its family") << each;
  for (const char* port : {"65536", "-1", "+1", "01", "1x", "0x1", "\t1"})
    EXPECT_EQ(told_by("PROXY TCP4 192.0.2.1 192.0.2.2 " + std::string(port) + " 2\r\n"),
              "PROXY v1: not a port")
        << port;
  EXPECT_EQ(told_by("PROXY UNKNOWN text\n"), "PROXY v1: a line that does not end with CR LF");
  EXPECT_EQ(told_by("PROXY UNKNOWN text\rmore\r\n"), "PROXY v1: CR within the line");
}

TEST(proxy_protocol, ends_at_the_first_byte_that_cannot_be_right) {
  const char* neither = "PROXY protocol: neither version begins so";
  for (const char* each : {"G", "GET / HTTP/1.1\r\n", "\r\n\r\nX", "PROXX", "proxy TCP4", "\r\r", "P\r\n"})
    EXPECT_EQ(told_by(each), neither) << each;
  std::string wrong_end = v2("\x21\x11", inet_block);
  wrong_end[11] = '\r';
  EXPECT_EQ(told_by(wrong_end.substr(0, 12)), neither);
  EXPECT_EQ(told_by(""), "incomplete");
}

TEST(proxy_protocol_v2, tells_both_ends) {
  EXPECT_EQ(told_by(v2("\x21\x11", inet_block)), "v2 from 192.0.2.1:56324 to 198.51.100.1:443");
  EXPECT_EQ(told_by(v2("\x21\x12", inet_block)), "v2 datagram from 192.0.2.1:56324 to 198.51.100.1:443");
  EXPECT_EQ(told_by(v2("\x21\x21", inet6_block) + "rest"), "v2 from [fd00::1]:56324 to [fd00::2]:443 | rest");
}

TEST(proxy_protocol_v2, tells_paths) {
  std::string paths = "/run/client";
  paths.resize(108);
  paths += std::string("\0name", 5);
  paths.resize(216);
  EXPECT_EQ(told_by(v2("\x21\x31", paths)), "v2 from /run/client to @name");
  EXPECT_EQ(told_by(v2("\x21\x31", std::string(216, '\0'))), "v2") << "unnamed";
  EXPECT_EQ(told_by(v2("\x21\x31", std::string(216, 'x'))), "v2") << "longer than an address can be";
}

TEST(proxy_protocol_v2, may_speak_for_itself_or_not_know) {
  EXPECT_EQ(told_by(v2(std::string("\x20\x00", 2), "")), "v2 local");
  EXPECT_EQ(told_by(v2("\x20\xff", "whatever it says")), "v2 local");
  EXPECT_EQ(told_by(v2(std::string("\x21\x00", 2), "")), "v2");
}

TEST(proxy_protocol_v2, carries_more) {
  const std::string more("\x02\x00\x07"
                         "example\x04\x00\x00\x01\x00\x02h2",
                         18);
  EXPECT_EQ(told_by(v2("\x21\x11", inet_block + more)),
            "v2 from 192.0.2.1:56324 to 198.51.100.1:443 2=example 4= 1=h2");
  proxy_header_parser parser;
  ASSERT_TRUE(parser.feed(octets_of(v2("\x21\x11", inet_block + more))));
  EXPECT_EQ(parser.header().tlv(proxy_tlv_authority), "example");
  EXPECT_EQ(parser.header().tlv(proxy_tlv_alpn), "h2");
  EXPECT_FALSE(parser.header().tlv(proxy_tlv_unique_id));
}

TEST(proxy_protocol_v2, refuses_what_breaks_its_rules) {
  EXPECT_EQ(told_by(v2("\x11\x11", inet_block)), "PROXY v2: another version");
  EXPECT_EQ(told_by(v2("\x31\x11", inet_block)), "PROXY v2: another version");
  EXPECT_EQ(told_by(v2("\x22\x11", inet_block)), "PROXY v2: an unknown command");
  for (const char* each : {"\x21\x41", "\x21\x13", "\x21\x10", "\x21\x01", "\x21\xff"})
    EXPECT_EQ(told_by(v2(each, inet_block)), "PROXY v2: an unknown family");
  EXPECT_EQ(told_by(v2("\x21\x11", inet_block.substr(1))), "PROXY v2: too short for its addresses");
  EXPECT_EQ(told_by(v2("\x21\x21", inet_block)), "PROXY v2: too short for its addresses");
  EXPECT_EQ(told_by(v2("\x21\x31", std::string(215, 'x'))), "PROXY v2: too short for its addresses");
  EXPECT_EQ(told_by(v2("\x21\x11", inet_block + "ab")), "PROXY v2: a TLV that is cut off");
  EXPECT_EQ(told_by(v2("\x21\x11", inet_block + std::string("\x02\x00\x02x", 4))),
            "PROXY v2: a TLV beyond the end");
}

TEST(proxy_protocol_v2, is_no_longer_than_allowed) {
  const std::string padded =
      v2("\x21\x11", inet_block + std::string("\x04\x00\x64", 3) + std::string(100, 'x'));
  EXPECT_TRUE(told_by(padded, padded.size()).starts_with("v2 from "));
  EXPECT_EQ(told_by(padded, padded.size() - 1), "PROXY v2: a header longer than allowed");
  EXPECT_EQ(told_by(padded.substr(0, 16), 100), "PROXY v2: a header longer than allowed")
      << "before it comes";
}

TEST(proxy_protocol_v2, checks_the_checksum) {
  proxy_header header;
  header.source = *address::ip("192.0.2.1", 1);
  header.destination = *address::ip("192.0.2.2", 2);
  header.tlvs.emplace_back(proxy_tlv_unique_id, "id");
  std::string sent = encode_proxy_v2(header, true).value();
  EXPECT_EQ(told_by(sent), "v2 from 192.0.2.1:1 to 192.0.2.2:2 5=id");
  for (const std::size_t at : {std::size_t{16}, std::size_t{31}, sent.size() - 1}) {
    std::string flipped = sent;
    flipped[at] = static_cast<char>(flipped[at] ^ 1);
    EXPECT_EQ(told_by(flipped), "PROXY v2: the checksum is wrong") << at;
  }
  EXPECT_EQ(told_by(v2("\x21\x11", inet_block + std::string("\x03\x00\x02xy", 5))),
            "PROXY v2: the checksum is wrong");
}

/// Against the definition, bit by bit, over the header with zeroes in place of the checksum.
TEST(proxy_protocol_v2, agrees_with_others_about_the_checksum) {
  const std::string body("\x03\x00\x04\x00\x00\x00\x00", 7);
  std::string sent = v2(std::string("\x21\x00", 2), body);
  std::uint32_t crc = ~0u;
  for (const char each : sent) {
    crc ^= static_cast<std::uint8_t>(each);
    for (int bit = 0; bit < 8; ++bit) crc = (crc & 1u) != 0 ? crc >> 1 ^ 0x82f63b78u : crc >> 1;
  }
  crc = ~crc;
  for (std::size_t i = 0; i < 4; ++i) sent[19 + i] = static_cast<char>(crc >> (24 - 8 * i));
  EXPECT_EQ(told_by(sent), "v2");
}

TEST(proxy_protocol, takes_exactly_the_header_however_it_is_cut) {
  const std::string headers[] = {"PROXY TCP4 192.0.2.1 198.51.100.1 56324 443\r\n", "PROXY UNKNOWN\r\n",
                                 v2("\x21\x11", inet_block),
                                 v2("\x21\x21", inet6_block + std::string("\x04\x00\x01x", 4))};
  for (const std::string& header : headers) {
    proxy_header_parser wanting; // reads what it wants, as from a stream
    std::size_t at = 0;
    while (!wanting.complete()) {
      ASSERT_GT(wanting.wanted_bytes(), 0u);
      ASSERT_LE(at + wanting.wanted_bytes(), header.size()) << "wants what is not its own";
      const std::size_t wanted = wanting.wanted_bytes();
      ASSERT_EQ(wanting.feed(octets_of(header).subspan(at, wanted)), wanted);
      at += wanted;
    }
    EXPECT_EQ(at, header.size());
    EXPECT_EQ(wanting.wanted_bytes(), 0u);
    proxy_header_parser by_bytes;
    for (std::size_t i = 0; i < header.size(); ++i) {
      EXPECT_FALSE(by_bytes.complete());
      ASSERT_EQ(by_bytes.feed(octets_of(header).subspan(i, 1)), 1u);
    }
    EXPECT_TRUE(by_bytes.complete());
    EXPECT_EQ(by_bytes.feed(octets_of("x")), 0u);
  }
}

TEST(proxy_writer, writes_what_the_parser_reads) {
  proxy_header header;
  EXPECT_EQ(encode_proxy_v1(header), "PROXY UNKNOWN\r\n");
  EXPECT_EQ(told_by(encode_proxy_v2(header).value()), "v2");
  header.source = *address::ip("192.0.2.1", 56324);
  header.destination = *address::ip("198.51.100.1", 443);
  EXPECT_EQ(encode_proxy_v1(header), "PROXY TCP4 192.0.2.1 198.51.100.1 56324 443\r\n");
  EXPECT_EQ(encode_proxy_v2(header).value(), v2("\x21\x11", inet_block));
  header.is_datagram = true;
  EXPECT_EQ(encode_proxy_v1(header), "PROXY UNKNOWN\r\n") << "version 1 knows TCP only";
  EXPECT_EQ(encode_proxy_v2(header).value(), v2("\x21\x12", inet_block));
  header.is_local = true;
  EXPECT_EQ(told_by(encode_proxy_v2(header).value()), "v2 local");
}

TEST(proxy_writer, writes_the_other_families) {
  proxy_header header;
  header.source = *address::ip("fd00::1", 56324);
  header.destination = *address::ip("fd00::2", 443);
  EXPECT_EQ(encode_proxy_v1(header), "PROXY TCP6 fd00::1 fd00::2 56324 443\r\n");
  EXPECT_EQ(encode_proxy_v2(header).value(), v2("\x21\x21", inet6_block));
  header.source = *address::unix_path("/run/client");
  header.destination = *address::unix_abstract("name");
  EXPECT_EQ(encode_proxy_v1(header), "PROXY UNKNOWN\r\n");
  EXPECT_EQ(told_by(encode_proxy_v2(header).value()), "v2 from /run/client to @name");
  header.source = *address::ip("192.0.2.1", 1);
  EXPECT_EQ(encode_proxy_v2(header).error(), errc::invalid_argument);
  EXPECT_EQ(encode_proxy_v1(header), "PROXY UNKNOWN\r\n");
}

TEST(proxy_writer, refuses_what_does_not_fit) {
  proxy_header header;
  header.tlvs.emplace_back(proxy_tlv_unique_id, std::string(0x10000, 'x'));
  EXPECT_EQ(encode_proxy_v2(header).error(), errc::invalid_argument);
  header.tlvs.front().value.resize(0xffff);
  EXPECT_EQ(encode_proxy_v2(header).error(), errc::invalid_argument) << "with its head it is too long";
}

} // namespace
} // namespace weir::test
