#include "wire.hpp"

#include <weir/zmtp/command.hpp>

#include <gtest/gtest.h>

namespace weir::zmtp {
namespace {

using namespace test;

const octets ready_dealer = wire("\x04\x29\x05"
                                 "READY"
                                 "\x0b"
                                 "Socket-Type"
                                 "\0\0\0\x06"
                                 "DEALER"
                                 "\x08"
                                 "Identity"
                                 "\0\0\0\0");
const octets ready_xpub = wire("\x04\x1a\x05"
                               "READY"
                               "\x0b"
                               "Socket-Type"
                               "\0\0\0\x04"
                               "XPUB");
const octets ready_sub = wire("\x04\x19\x05"
                              "READY"
                              "\x0b"
                              "Socket-Type"
                              "\0\0\0\x03"
                              "SUB");

octets bytes_of(const encoded_command& command) {
  return copied(command.bytes());
}

/// The body behind a short header.
std::span<const std::byte> body_of(const octets& frame) {
  return std::span(frame).subspan(2);
}

template <class T>
std::string rule_of(const result<T>& outcome) {
  if (outcome) return "";
  EXPECT_EQ(outcome.error(), errc::protocol);
  return outcome.error().operation();
}

TEST(command, builds_ready_as_libzmq_insists_on) {
  EXPECT_EQ(ready_dealer.size(), 97U - 54U);
  EXPECT_EQ(bytes_of(make_ready(socket_type::dealer, {})), ready_dealer);
  EXPECT_EQ(ready_xpub.size(), 28U);
  EXPECT_EQ(bytes_of(make_ready(socket_type::xpub, {})), ready_xpub);
  EXPECT_EQ(ready_sub.size(), 27U);
  EXPECT_EQ(bytes_of(make_ready(socket_type::sub, wire("ignored"))), ready_sub);
}

TEST(command, builds_ready_with_the_longest_identity) {
  const octets identity = repeated(255, 'i');
  const octets body = joined(wire("\x05"
                                  "READY"
                                  "\x0b"
                                  "Socket-Type"
                                  "\0\0\0\x06"
                                  "ROUTER"
                                  "\x08"
                                  "Identity"
                                  "\0\0\0\xff"),
                             identity);
  EXPECT_EQ(bytes_of(make_ready(socket_type::router, identity)),
            joined(wire("\x06\0\0\0\0\0\0\x01\x28"), body));
  EXPECT_EQ(make_ready(socket_type::router, identity).bytes().size(), encoded_command::capacity_bytes);
}

TEST(command, reads_ready) {
  const auto command = parse_command(body_of(ready_dealer));
  ASSERT_TRUE(command);
  EXPECT_EQ(command->kind, command_kind::ready);
  EXPECT_EQ(command->name, "READY");
  const auto ready = parse_ready(command->data);
  ASSERT_TRUE(ready);
  EXPECT_EQ(ready->type, socket_type::dealer);
  EXPECT_TRUE(ready->identity.empty());
  EXPECT_EQ(std::distance(ready->properties.begin(), ready->properties.end()), 2);
}

TEST(command, reads_ready_of_every_type_and_identity_it_builds) {
  for (const std::string_view name : socket_type_names)
    for (const std::size_t length : {0U, 1U, 209U, 210U, 255U}) {
      const socket_type type = *socket_type_from(name);
      const octets identity = repeated(length);
      const octets frame = bytes_of(make_ready(type, identity));
      frame_header header;
      ASSERT_EQ(decode_header(frame.data(), frame.size(), header), header_status::complete);
      ASSERT_EQ(header.header_bytes + header.body_bytes, frame.size());
      const auto command = parse_command(std::span(frame).subspan(header.header_bytes));
      ASSERT_TRUE(command);
      const auto ready = parse_ready(command->data);
      ASSERT_TRUE(ready);
      EXPECT_EQ(ready->type, type);
      EXPECT_EQ(copied(ready->identity), announces_identity(type) ? identity : octets{});
    }
}

TEST(command, reads_ready_with_other_properties_in_other_order_and_case) {
  const octets data = wire("\x08"
                           "IDENTITY"
                           "\0\0\0\x02"
                           "me"
                           "\x04"
                           "X-it"
                           "\0\0\0\x01"
                           "1"
                           "\x0b"
                           "socket-type"
                           "\0\0\0\x03"
                           "REQ");
  const auto ready = parse_ready(data);
  ASSERT_TRUE(ready);
  EXPECT_EQ(ready->type, socket_type::req);
  EXPECT_EQ(text_of(ready->identity), "me");
  ASSERT_TRUE(ready->properties.find("x-IT"));
  EXPECT_EQ(text_of(*ready->properties.find("x-IT")), "1");
}

TEST(command, ready_names_the_rule_that_was_broken) {
  const octets type = wire("\x0b"
                           "Socket-Type"
                           "\0\0\0\x06"
                           "DEALER");
  EXPECT_EQ(rule_of(parse_ready({})), "READY: no Socket-Type");
  EXPECT_EQ(rule_of(parse_ready(joined(type, type))), "READY: more than one Socket-Type");
  EXPECT_EQ(rule_of(parse_ready(wire("\x0b"
                                     "Socket-Type"
                                     "\0\0\0\x06"
                                     "STREAM"))),
            "READY: unknown Socket-Type");
  EXPECT_EQ(rule_of(parse_ready(wire("\x0b"
                                     "Socket-Type"
                                     "\0\0\0\x06"
                                     "dealer"))),
            "READY: unknown Socket-Type");
  const octets identity = wire("\x08"
                               "Identity"
                               "\0\0\0\x01"
                               "i");
  EXPECT_EQ(rule_of(parse_ready(joined(type, identity))), "");
  EXPECT_EQ(rule_of(parse_ready(joined(type, identity, identity))), "READY: more than one Identity");
  EXPECT_EQ(rule_of(parse_ready(joined(type,
                                       wire("\x08"
                                            "Identity"
                                            "\0\0\x01\0"),
                                       repeated(256)))),
            "READY: Identity longer than 255 bytes");
  EXPECT_EQ(rule_of(parse_ready(joined(type, wire("\x08"
                                                  "Identity"
                                                  "\0\0\0\x05"
                                                  "\0"
                                                  "1234")))),
            "READY: Identity begins with 0");
  EXPECT_EQ(rule_of(parse_ready(joined(type, wire("\x05"
                                                  "X")))),
            "READY: property runs past the end");
}

TEST(command, ready_ignores_the_identity_of_types_that_have_none) {
  const octets data = wire("\x0b"
                           "Socket-Type"
                           "\0\0\0\x03"
                           "REP"
                           "\x08"
                           "Identity"
                           "\0\0\0\x02"
                           "\0"
                           "x");
  const auto ready = parse_ready(data);
  ASSERT_TRUE(ready);
  EXPECT_TRUE(ready->identity.empty());
}

TEST(command, ready_cut_short_anywhere_is_an_error) {
  const auto body = body_of(ready_dealer);
  for (std::size_t length = 0; length < body.size(); ++length) {
    const octets cut = copied(body.first(length));
    const auto command = parse_command(cut);
    // Only before the property Identity does a READY end between properties.
    EXPECT_EQ(command && parse_ready(command->data), length == 28) << length;
  }
}

TEST(command, refuses_bodies_without_a_proper_name) {
  EXPECT_EQ(rule_of(parse_command({})), "command without a name");
  EXPECT_EQ(rule_of(parse_command(wire("\0"
                                       "READY"))),
            "command without a name");
  EXPECT_EQ(rule_of(parse_command(wire("\x05"
                                       "READ"))),
            "command name runs past the end");
  EXPECT_EQ(rule_of(parse_command(wire("\x04"
                                       "PI-G"))),
            "command name with a character that is no letter");
  EXPECT_EQ(rule_of(parse_command(wire("\x04"
                                       "PIN\0"))),
            "command name with a character that is no letter");
}

TEST(command, knows_its_commands_by_exact_name) {
  const std::pair<octets, command_kind> cases[] = {
      {wire("\x05"
            "READY"),
       command_kind::ready},
      {wire("\x05"
            "ERROR"),
       command_kind::error},
      {wire("\x04"
            "PING"),
       command_kind::ping},
      {wire("\x04"
            "PONG"),
       command_kind::pong},
      {wire("\x09"
            "SUBSCRIBE"),
       command_kind::subscribe},
      {wire("\x06"
            "CANCEL"),
       command_kind::cancel},
      {wire("\x05"
            "ready"),
       command_kind::unknown},
      {wire("\x04"
            "JOIN"),
       command_kind::unknown},
      {joined(wire("\xff"), repeated(255, 'N')), command_kind::unknown},
  };
  for (const auto& [name, kind] : cases) {
    const octets body = joined(name, wire("data"));
    const auto command = parse_command(body);
    ASSERT_TRUE(command);
    EXPECT_EQ(command->kind, kind);
    EXPECT_EQ(command->name, text_of(name).substr(1));
    EXPECT_EQ(text_of(command->data), "data");
  }
}

TEST(command, reads_a_subscription) {
  const octets frame = wire("\x04\x0b\x09"
                            "SUBSCRIBE"
                            "A");
  const auto command = parse_command(body_of(frame));
  ASSERT_TRUE(command);
  EXPECT_EQ(command->kind, command_kind::subscribe);
  EXPECT_EQ(text_of(command->data), "A");
}

TEST(command, answers_ping_with_pong) {
  const octets frame = wire("\x04\x0a\x04"
                            "PING"
                            "\0\0"
                            "LOL");
  const auto command = parse_command(body_of(frame));
  ASSERT_TRUE(command);
  ASSERT_EQ(command->kind, command_kind::ping);
  const auto ping = parse_ping(command->data);
  ASSERT_TRUE(ping);
  EXPECT_EQ(ping->ttl_deciseconds, 0);
  EXPECT_EQ(bytes_of(make_pong(ping->context)), wire("\x04\x08\x04"
                                                     "PONG"
                                                     "LOL"));
}

TEST(command, cuts_the_context_of_a_pong_to_16_bytes) {
  const octets frame = joined(wire("\x04\x41\x04"
                                   "PING"
                                   "\0\0"
                                   "LOL"),
                              repeated(55));
  ASSERT_EQ(frame.size(), 67U);
  const auto ping = parse_ping(parse_command(body_of(frame))->data);
  ASSERT_TRUE(ping);
  EXPECT_EQ(ping->context.size(), 58U);
  const octets pong = bytes_of(make_pong(ping->context));
  EXPECT_EQ(pong.size(), 23U);
  EXPECT_EQ(pong, joined(wire("\x04\x15\x04"
                              "PONG"
                              "LOL"),
                         repeated(13)));
  for (const std::size_t length : {15U, 16U, 17U})
    EXPECT_EQ(make_pong(repeated(length)).bytes().size(), 7 + std::min<std::size_t>(length, 16));
}

TEST(command, builds_and_reads_ping) {
  EXPECT_EQ(bytes_of(make_ping(0)), wire("\x04\x07\x04"
                                         "PING"
                                         "\0\0"));
  const octets frame = bytes_of(make_ping(0x1234, repeated(16, 'c')));
  EXPECT_EQ(frame, joined(wire("\x04\x17\x04"
                               "PING"
                               "\x12\x34"),
                          repeated(16, 'c')));
  const auto ping = parse_ping(parse_command(body_of(frame))->data);
  ASSERT_TRUE(ping);
  EXPECT_EQ(ping->ttl_deciseconds, 0x1234);
  EXPECT_EQ(copied(ping->context), repeated(16, 'c'));
  EXPECT_EQ(rule_of(parse_ping(wire("\x01"))), "PING: no time to live");
  EXPECT_EQ(rule_of(parse_ping({})), "PING: no time to live");
}

TEST(command, reads_pong) {
  EXPECT_EQ(text_of(parse_pong(wire("LOL")).value()).size(), 3U);
  EXPECT_EQ(rule_of(parse_pong(repeated(16))), "");
  EXPECT_EQ(rule_of(parse_pong(repeated(17))), "PONG: context longer than 16 bytes");
}

TEST(command, builds_and_reads_error) {
  const octets frame = bytes_of(make_error("no such type"));
  EXPECT_EQ(frame, wire("\x04\x13\x05"
                        "ERROR"
                        "\x0c"
                        "no such type"));
  const auto command = parse_command(body_of(frame));
  ASSERT_TRUE(command);
  ASSERT_EQ(command->kind, command_kind::error);
  EXPECT_EQ(parse_error_reason(command->data), "no such type");
  EXPECT_EQ(bytes_of(make_error("")), wire("\x04\x07\x05"
                                           "ERROR"
                                           "\0"));
  EXPECT_EQ(make_error(std::string(300, 'x')).bytes().size(), 9U + 6 + 1 + 255);
}

TEST(command, error_names_the_rule_that_was_broken) {
  EXPECT_EQ(rule_of(parse_error_reason({})), "ERROR: no reason");
  EXPECT_EQ(rule_of(parse_error_reason(wire("\x03"
                                            "ab"))),
            "ERROR: size of the reason does not fit the command");
  EXPECT_EQ(rule_of(parse_error_reason(wire("\x01"
                                            "ab"))),
            "ERROR: size of the reason does not fit the command");
}

} // namespace
} // namespace weir::zmtp
