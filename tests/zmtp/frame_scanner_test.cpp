#include "wire.hpp"

#include <weir/zmtp/frame_scanner.hpp>

#include <gtest/gtest.h>

#include <algorithm>
#include <string>

namespace weir::zmtp {
namespace {

using namespace test;

/// All that a scan can tell about a stream.
struct report {
  std::vector<std::pair<std::uint64_t, octets>> commands; ///< each with the messages completed before it
  std::uint64_t messages = 0;
  std::uint64_t body_bytes_missing = 0;
  bool at_boundary = true;
  std::string broken;

  friend bool operator==(const report&, const report&) = default;
};

/// Feeds a piece from memory of its own, so that a view into an earlier chunk would be noticed.
bool scan_piece(frame_scanner& scanner, std::span<const std::byte> piece, report& out) {
  const octets chunk = copied(piece);
  for (std::span<const std::byte> rest = chunk; !rest.empty();) {
    const auto event = scanner.scan(rest);
    if (!event) {
      out.broken = event.error().message();
      return false;
    }
    if (*event == scan_event::command)
      out.commands.emplace_back(scanner.messages_completed(), copied(scanner.command()));
    else
      EXPECT_TRUE(rest.empty());
  }
  return true;
}

report scan_pieces(const std::vector<std::span<const std::byte>>& pieces, const scan_limits& limits = {}) {
  report out;
  frame_scanner scanner(limits);
  scanner.allow_messages();
  for (const auto piece : pieces)
    if (!scan_piece(scanner, piece, out)) break;
  out.messages = scanner.messages_completed();
  if (!out.broken.empty()) return out;
  out.body_bytes_missing = scanner.body_bytes_missing();
  out.at_boundary = scanner.at_boundary();
  return out;
}

report scan(const octets& stream, const scan_limits& limits = {}) {
  return scan_pieces({stream}, limits);
}

std::string broken_by(const octets& stream, const scan_limits& limits = {}) {
  return scan(stream, limits).broken;
}

octets encoded(frame_kind kind, const octets& body) {
  octets header(header_bytes_max);
  header.resize(encode_header(header.data(), kind, body.size()));
  return joined(header, body);
}
octets last(std::size_t body_bytes) {
  return encoded(frame_kind::last, repeated(body_bytes));
}
octets more(std::size_t body_bytes) {
  return encoded(frame_kind::more, repeated(body_bytes));
}
octets command(const octets& body) {
  return encoded(frame_kind::command, body);
}

const octets ping_body = wire("\x04"
                              "PING"
                              "\0\0"
                              "LOL");
const octets long_body = joined(wire("\x05"
                                     "READY"),
                                repeated(294));

/// Every kind of frame, whole messages and interrupted ones.
const octets varied_stream = joined(last(5), more(0), last(1), command(ping_body), more(255),
                                    command(long_body), more(256), command(ping_body), last(0),
                                    wire("\x02\0\0\0\0\0\0\0\x02"
                                         "ab"),
                                    command({}), last(64), last(0), last(300));
const report varied_report{{{2, ping_body}, {2, long_body}, {2, ping_body}, {4, {}}}, 7, 0, true, ""};

TEST(frame_scanner, sees_messages_and_commands_in_their_order) {
  EXPECT_EQ(scan(varied_stream), varied_report);
}

TEST(frame_scanner, does_not_mind_where_the_stream_is_cut) {
  const auto whole = std::span<const std::byte>(varied_stream);
  for (std::size_t at = 0; at <= whole.size(); ++at)
    EXPECT_EQ(scan_pieces({whole.first(at), whole.subspan(at)}), varied_report) << at;
  for (const std::size_t piece_bytes : {1U, 2U, 3U, 7U, 64U, 301U}) {
    std::vector<std::span<const std::byte>> pieces;
    for (auto rest = whole; !rest.empty(); rest = rest.subspan(pieces.back().size()))
      pieces.push_back(rest.first(std::min(piece_bytes, rest.size())));
    EXPECT_EQ(scan_pieces(pieces), varied_report) << piece_bytes;
  }
}

TEST(frame_scanner, counts_a_message_with_its_last_byte) {
  const octets stream = joined(more(3), last(300));
  const auto whole = std::span<const std::byte>(stream);
  for (std::size_t length = 0; length < whole.size(); ++length)
    EXPECT_EQ(scan_pieces({whole.first(length)}).messages, 0U) << length;
  EXPECT_EQ(scan(stream).messages, 1U);
}

TEST(frame_scanner, is_at_a_boundary_only_where_a_stream_may_end) {
  const octets stream = joined(last(2), command(ping_body), more(1), last(0));
  const auto whole = std::span<const std::byte>(stream);
  const std::size_t ends[] = {0, 4, 4 + 2 + ping_body.size(), stream.size()};
  for (std::size_t length = 0; length <= whole.size(); ++length)
    EXPECT_EQ(scan_pieces({whole.first(length)}).at_boundary, std::ranges::count(ends, length) == 1)
        << length;
}

TEST(frame_scanner, tells_how_much_of_a_body_is_still_to_come) {
  const octets stream = last(64'000);
  frame_scanner scanner;
  scanner.allow_messages();
  report out;
  for (std::size_t length = 0; length < stream.size(); ++length) {
    ASSERT_TRUE(scan_piece(scanner, std::span(stream).subspan(length, 1), out));
    const std::size_t arrived = length + 1;
    if (arrived < long_header_bytes) {
      ASSERT_EQ(scanner.body_bytes_missing(), 0U);
    } else {
      ASSERT_EQ(scanner.body_bytes_missing(), stream.size() - arrived);
      ASSERT_EQ(scanner.frame(), (frame_header{64'000, 9, frame_kind::last}));
    }
  }
  EXPECT_EQ(scanner.messages_completed(), 1U);
}

TEST(frame_scanner, keeps_quiet_about_missing_bytes_of_commands) {
  const octets stream = command(ping_body);
  EXPECT_EQ(scan_pieces({std::span(stream).first(5)}).body_bytes_missing, 0U);
}

TEST(frame_scanner, stops_behind_a_command_and_shows_it_without_a_copy_if_it_can) {
  const octets stream = joined(last(1), command(ping_body), last(1));
  frame_scanner scanner;
  scanner.allow_messages();
  std::span<const std::byte> rest = stream;
  EXPECT_EQ(scanner.scan(rest), scan_event::command);
  EXPECT_EQ(scanner.messages_completed(), 1U);
  EXPECT_EQ(scanner.command().data(), stream.data() + 3 + 2);
  EXPECT_EQ(rest.data(), scanner.command().data() + ping_body.size());
  EXPECT_EQ(rest.size(), 3U);
  EXPECT_EQ(scanner.scan(rest), scan_event::end_of_chunk);
  EXPECT_EQ(scanner.messages_completed(), 2U);
}

TEST(frame_scanner, lets_no_message_pass_before_the_handshake_ends) {
  const octets stream = joined(command(long_body), last(1), last(1));
  frame_scanner scanner;
  std::span<const std::byte> rest = stream;
  EXPECT_EQ(scanner.scan(rest), scan_event::command);
  frame_scanner sneaked_past = std::move(scanner);
  auto outcome = sneaked_past.scan(rest);
  ASSERT_FALSE(outcome);
  EXPECT_EQ(outcome.error(), errc::protocol);
  EXPECT_STREQ(outcome.error().operation(), "message before the end of the handshake");

  frame_scanner shaken_hands;
  rest = stream;
  EXPECT_EQ(shaken_hands.scan(rest), scan_event::command);
  shaken_hands.allow_messages();
  EXPECT_EQ(shaken_hands.scan(rest), scan_event::end_of_chunk);
  EXPECT_EQ(shaken_hands.messages_completed(), 2U);
}

TEST(frame_scanner, refuses_broken_headers_anywhere) {
  for (const octets& before : {octets{}, last(5), more(5), command(ping_body)}) {
    EXPECT_EQ(broken_by(joined(before, wire("\x08"))),
              "frame with a reserved flag: the peer broke the protocol");
    EXPECT_EQ(broken_by(joined(before, wire("\x05\x01"))),
              "command frame with the MORE flag: the peer broke the protocol");
    EXPECT_EQ(broken_by(joined(before, wire("\x02\x80\0\0\0\0\0\0\0"))),
              "frame of 2^63 bytes or more: the peer broke the protocol");
  }
}

TEST(frame_scanner, finds_the_same_error_wherever_the_stream_is_cut) {
  const octets stream = joined(last(5), more(9), command(ping_body), more(2), wire("\x06\x80\0\0\0\0\0\0\0"));
  const report expected = scan(stream);
  EXPECT_EQ(expected.broken, "frame of 2^63 bytes or more: the peer broke the protocol");
  EXPECT_EQ(expected.messages, 1U);
  for (std::size_t at = 0; at <= stream.size(); ++at)
    EXPECT_EQ(scan_pieces({std::span(stream).first(at), std::span(stream).subspan(at)}), expected) << at;
}

TEST(frame_scanner, limits_the_bytes_of_a_message_over_all_its_frames) {
  const std::string too_long = "message longer than message_bytes_max: a limit was reached";
  for (const std::uint32_t limit : {10U, 255U, 300U, 70'000U}) {
    const scan_limits limits{.message_bytes_max = limit};
    EXPECT_EQ(broken_by(joined(last(limit), last(limit)), limits), "") << limit;
    EXPECT_EQ(broken_by(joined(more(limit - 4), more(4), last(0)), limits), "") << limit;
    EXPECT_EQ(broken_by(last(limit + 1), limits), too_long) << limit;
    EXPECT_EQ(broken_by(joined(more(limit - 4), more(4), last(1)), limits), too_long) << limit;
    EXPECT_EQ(broken_by(joined(more(limit), command(ping_body), last(1)), limits), too_long) << limit;
  }
  EXPECT_EQ(broken_by(last(0), {.message_bytes_max = 0}), "");
  EXPECT_EQ(broken_by(last(1), {.message_bytes_max = 0}), too_long);
}

TEST(frame_scanner, counts_every_message_towards_its_own_limits) {
  const scan_limits limits{.message_bytes_max = 300, .frames_max = 2};
  const octets stream = joined(more(299), last(1), more(10), last(290), more(0), last(300), last(300));
  const report expected{{}, 4, 0, true, ""};
  EXPECT_EQ(scan(stream, limits), expected);
  for (std::size_t at = 0; at <= stream.size(); ++at)
    EXPECT_EQ(scan_pieces({std::span(stream).first(at), std::span(stream).subspan(at)}, limits), expected)
        << at;
}

TEST(frame_scanner, limits_the_bytes_of_a_message_without_overflow) {
  const octets largest = wire("\x03\x7f\xff\xff\xff\xff\xff\xff\xff");
  EXPECT_EQ(broken_by(joined(more(10), largest)),
            "message longer than message_bytes_max: a limit was reached");
  const report accepted = scan(largest, {.message_bytes_max = ~std::uint64_t{0}});
  EXPECT_EQ(accepted.broken, "");
  EXPECT_EQ(accepted.body_bytes_missing, body_bytes_max);
}

TEST(frame_scanner, judges_a_frame_by_its_header_alone) {
  const scan_limits limits{.message_bytes_max = 99, .command_bytes_max = 99};
  EXPECT_EQ(broken_by(wire("\x00\x64"), limits),
            "message longer than message_bytes_max: a limit was reached");
  EXPECT_EQ(broken_by(wire("\x04\x64"), limits),
            "command longer than command_bytes_max: a limit was reached");
}

TEST(frame_scanner, limits_the_frames_of_a_message) {
  const std::string too_many = "message of more than frames_max frames: a limit was reached";
  const scan_limits three{.frames_max = 3};
  EXPECT_EQ(
      broken_by(joined(more(0), more(0), last(0), more(1), command(ping_body), more(1), last(1)), three), "");
  EXPECT_EQ(broken_by(joined(more(0), more(0), more(0), last(0)), three), too_many);
  EXPECT_EQ(broken_by(joined(more(300), more(300), more(300), last(300)), three), too_many);
  EXPECT_EQ(broken_by(joined(last(9), last(9)), {.frames_max = 1}), "");
  EXPECT_EQ(broken_by(joined(more(0), last(0)), {.frames_max = 1}), too_many);
}

TEST(frame_scanner, limits_the_bytes_of_a_command_whole_or_in_pieces) {
  const scan_limits limits{.command_bytes_max = 300};
  for (const std::size_t body_bytes : {32U, 33U, 300U}) {
    const octets body = repeated(body_bytes, 'C');
    const octets stream = joined(command(body), command(body));
    const report expected{{{0, body}, {0, body}}, 0, 0, true, ""};
    for (std::size_t at = 0; at <= stream.size(); ++at)
      EXPECT_EQ(scan_pieces({std::span(stream).first(at), std::span(stream).subspan(at)}, limits), expected);
  }
  EXPECT_EQ(broken_by(command(repeated(301)), limits),
            "command longer than command_bytes_max: a limit was reached");
}

TEST(frame_scanner, collects_one_command_after_another_of_any_length) {
  std::vector<octets> bodies;
  for (const std::size_t body_bytes : {40U, 10U, 300U, 33U, 2U, 8'192U})
    bodies.push_back(repeated(body_bytes, 'C'));
  octets stream;
  report expected;
  for (const octets& body : bodies) {
    stream = joined(stream, command(body));
    expected.commands.emplace_back(0, body);
  }
  std::vector<std::span<const std::byte>> pieces;
  for (auto rest = std::span<const std::byte>(stream); !rest.empty(); rest = rest.subspan(1))
    pieces.push_back(rest.first(1));
  EXPECT_EQ(scan_pieces(pieces), expected);
}

TEST(frame_scanner, moves_with_a_stream_in_progress) {
  const octets stream = joined(more(3), command(long_body), last(3));
  for (std::size_t at = 0; at <= stream.size(); ++at) {
    frame_scanner first;
    first.allow_messages();
    report out;
    ASSERT_TRUE(scan_piece(first, std::span(stream).first(at), out));
    frame_scanner second = std::move(first);
    ASSERT_TRUE(scan_piece(second, std::span(stream).subspan(at), out));
    EXPECT_EQ(out.commands, (decltype(out.commands){{0, long_body}})) << at;
    EXPECT_EQ(second.messages_completed(), 1U) << at;
  }
}

} // namespace
} // namespace weir::zmtp
