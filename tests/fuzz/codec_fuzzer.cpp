// Fuzzes the ZMTP codec. The first byte of the input chooses the part under test, the second where streams
// are cut, the rest are its bytes. Beyond "no crash" it checks that cutting a stream elsewhere changes
// nothing, that an independent and simple reading of the stream agrees, and that what was read can be written
// and read again.
//
//   codec_fuzzer -max_len=4096 tests/fuzz/corpus/codec
#include "pieces.hpp"

#include <weir/zmtp/command.hpp>
#include <weir/zmtp/endpoint.hpp>
#include <weir/zmtp/frame_header.hpp>
#include <weir/zmtp/frame_scanner.hpp>
#include <weir/zmtp/greeting.hpp>

#include <algorithm>
#include <cstdint>
#include <string>
#include <vector>

namespace {

using namespace weir;
using namespace weir::zmtp;
using namespace weir::fuzz;

bool equal(bytes one, bytes other) {
  return std::ranges::equal(one, other);
}

bool lies_in(bytes part, bytes whole) {
  return part.empty() ||
         (part.data() >= whole.data() && part.data() + part.size() <= whole.data() + whole.size());
}

// --- greeting

struct greeting_outcome {
  std::string broken;
  std::size_t taken_bytes = 0;
  std::string mechanism;
  bool complete = false;
  friend bool operator==(const greeting_outcome&, const greeting_outcome&) = default;
};

greeting_outcome read_greeting(bytes stream, std::uint64_t seed) {
  greeting_parser parser;
  greeting_outcome outcome;
  feed_in_pieces(stream, seed, [&](bytes piece) {
    const auto taken = parser.feed(piece);
    if (!taken) {
      outcome.broken = taken.error().operation();
      return false;
    }
    require(*taken <= piece.size() && (*taken == piece.size() || parser.complete()),
            "greeting takes what it may");
    outcome.taken_bytes += *taken;
    return true;
  });
  require(outcome.broken.empty() || !parser.complete(), "a broken greeting is never complete");
  if (!outcome.broken.empty()) {
    outcome.taken_bytes = 0; // how much was taken before the error depends on the cuts
    return outcome;
  }
  outcome.complete = parser.complete();
  outcome.mechanism = parser.peer_mechanism();
  require(outcome.complete == (stream.size() >= greeting_bytes), "a greeting ends after 64 bytes");
  require(!outcome.complete || (outcome.mechanism == "NULL" && parser.agreed_version().number_major == 3),
          "only NULL over ZMTP 3 is accepted");
  return outcome;
}

void fuzz_greeting(bytes input, std::uint64_t seed) {
  const greeting_outcome whole = read_greeting(input, knife::whole);
  require(whole == read_greeting(input, knife::single_bytes), "greeting in single bytes");
  require(whole == read_greeting(input, seed), "greeting in pieces");
}

// --- frame header

void fuzz_frame_header(bytes input) {
  const octets exact(input.begin(), input.end());
  frame_header header;
  const header_status status = decode_header(exact.data(), exact.size(), header);
  for (std::size_t available = 0; available < exact.size() && available < header_bytes_max; ++available) {
    frame_header early;
    const header_status before = decode_header(exact.data(), available, early);
    require(before == header_status::incomplete || before == status, "a header says the same in time");
  }
  if (status != header_status::complete) return;

  std::byte again[header_bytes_max];
  const std::size_t again_bytes = encode_header(again, header.kind, header.body_bytes);
  require(again_bytes <= header.header_bytes, "our header is the shortest");
  frame_header reread;
  require(decode_header(again, again_bytes, reread) == header_status::complete, "our header is whole");
  require(reread.kind == header.kind && reread.body_bytes == header.body_bytes, "our header says the same");
  if (again_bytes == header.header_bytes)
    require(equal({again, again_bytes}, bytes(exact).first(again_bytes)), "our header has the same bytes");
}

// --- command

void require_same_frame(const encoded_command& built, bytes body) {
  frame_header header;
  const bytes frame = built.bytes();
  require(decode_header(frame.data(), frame.size(), header) == header_status::complete,
          "command has a header");
  require(header.kind == frame_kind::command && equal(frame.subspan(header.header_bytes), body),
          "command has the same bytes");
}

void fuzz_ready(const command& read) {
  const auto ready = parse_ready(read.data);
  if (!ready) return;
  std::size_t total_bytes = 0;
  for (const property& each : ready->properties) {
    require(lies_in(each.value, read.data), "property within READY");
    total_bytes += property_bytes(each.name.size(), each.value.size());
  }
  require(total_bytes == read.data.size(), "properties fill READY");
  require(ready->identity.size() <= identity_bytes_max && lies_in(ready->identity, read.data), "identity");

  const encoded_command built = make_ready(ready->type, ready->identity);
  frame_header header;
  require(decode_header(built.bytes().data(), built.bytes().size(), header) == header_status::complete,
          "READY");
  const auto reread = parse_command(built.bytes().subspan(header.header_bytes));
  require(reread && reread->kind == command_kind::ready, "READY is READY");
  const auto again = parse_ready(reread->data);
  require(again && again->type == ready->type && equal(again->identity, ready->identity),
          "READY says the same");
}

void fuzz_command(bytes input) {
  const octets body(input.begin(), input.end());
  const auto read = parse_command(body);
  if (!read) return;
  require(1 + read->name.size() + read->data.size() == body.size(), "name and data fill the command");
  require(lies_in(read->data, body), "data within the command");
  switch (read->kind) {
  case command_kind::ready:
    fuzz_ready(*read);
    break;
  case command_kind::error:
    if (const auto reason = parse_error_reason(read->data)) require_same_frame(make_error(*reason), body);
    break;
  case command_kind::ping:
    if (const auto ping = parse_ping(read->data)) {
      if (ping->context.size() <= ping_context_bytes_max)
        require_same_frame(make_ping(ping->ttl_deciseconds, ping->context), body);
      require(make_pong(ping->context).bytes().size() <= 2 + 5 + ping_context_bytes_max, "PONG is short");
    }
    break;
  case command_kind::pong:
    if (const auto context = parse_pong(read->data)) require_same_frame(make_pong(*context), body);
    break;
  case command_kind::subscribe:
  case command_kind::cancel:
  case command_kind::unknown:
    break;
  }
}

// --- frame scanner

struct scan_outcome {
  std::string broken;
  std::vector<octets> commands;
  std::uint64_t messages = 0;
  std::uint64_t body_bytes_missing = 0;
  bool at_boundary = true;
  friend bool operator==(const scan_outcome&, const scan_outcome&) = default;
};

scan_outcome scan(bytes stream, const scan_limits& limits, bool messages_allowed, std::uint64_t seed) {
  frame_scanner scanner(limits);
  if (messages_allowed) scanner.allow_messages();
  scan_outcome outcome;
  feed_in_pieces(stream, seed, [&](bytes piece) {
    while (!piece.empty()) {
      const std::size_t before = piece.size();
      const auto event = scanner.scan(piece);
      if (!event) {
        outcome.broken = event.error().operation();
        return false;
      }
      require(*event == scan_event::command ? piece.size() < before : piece.empty(), "scan gets on");
      if (*event != scan_event::command) continue;
      outcome.commands.emplace_back(scanner.command().begin(), scanner.command().end());
      scanner.allow_messages();
    }
    return true;
  });
  outcome.messages = scanner.messages_completed();
  if (!outcome.broken.empty()) return outcome;
  outcome.body_bytes_missing = scanner.body_bytes_missing();
  outcome.at_boundary = scanner.at_boundary();
  return outcome;
}

/// The same from a stream that is there as a whole, without a thought of speed.
scan_outcome scan_simply(bytes stream, const scan_limits& limits, bool messages_allowed) {
  scan_outcome outcome;
  std::uint64_t frames = 0;
  std::uint64_t message_bytes = 0;
  while (!stream.empty()) {
    frame_header header;
    const header_status status = decode_header(stream.data(), stream.size(), header);
    if (status != header_status::complete) {
      outcome.broken = broken_rule(status);
      outcome.at_boundary = false;
      break;
    }
    const bool is_command = header.kind == frame_kind::command;
    if (is_command && header.body_bytes > limits.command_bytes_max)
      outcome.broken = "command longer than command_bytes_max";
    else if (!is_command && !messages_allowed)
      outcome.broken = "message before the end of the handshake";
    else if (!is_command && frames + 1 > limits.frames_max)
      outcome.broken = "message of more than frames_max frames";
    else if (!is_command && message_bytes + header.body_bytes > limits.message_bytes_max)
      outcome.broken = "message longer than message_bytes_max";
    if (!outcome.broken.empty()) break;

    stream = stream.subspan(header.header_bytes);
    if (header.body_bytes > stream.size()) {
      outcome.body_bytes_missing = is_command ? 0 : header.body_bytes - stream.size();
      outcome.at_boundary = false;
      break;
    }
    const bytes body = stream.first(header.body_bytes);
    stream = stream.subspan(header.body_bytes);
    if (is_command) {
      outcome.commands.emplace_back(body.begin(), body.end());
      messages_allowed = true;
    } else if (header.kind == frame_kind::last) {
      ++outcome.messages;
      frames = message_bytes = 0;
    } else {
      ++frames;
      message_bytes += header.body_bytes;
    }
  }
  if (frames != 0) outcome.at_boundary = false;
  if (!outcome.broken.empty()) outcome.at_boundary = true; // is not asked for after an error
  return outcome;
}

void fuzz_frame_scanner(bytes input, std::uint64_t seed, std::uint8_t choice) {
  const bool tight = (choice & 1) != 0;
  const bool messages_allowed = (choice & 2) != 0;
  const scan_limits limits =
      tight ? scan_limits{.message_bytes_max = 40, .frames_max = 3, .command_bytes_max = 36}
            : scan_limits{.message_bytes_max = 1 << 20};
  const scan_outcome expected = scan_simply(input, limits, messages_allowed);
  require(scan(input, limits, messages_allowed, knife::whole) == expected, "stream in one piece");
  require(scan(input, limits, messages_allowed, knife::single_bytes) == expected, "stream in single bytes");
  require(scan(input, limits, messages_allowed, seed) == expected, "stream in pieces");
}

// --- endpoint

void fuzz_endpoint(bytes input) {
  const std::string text(reinterpret_cast<const char*>(input.data()), input.size());
  const auto read = parse_endpoint(text);
  if (!read) {
    require(read.error().operation()[0] != '\0' && read.error().endpoint() == text,
            "endpoint says what is wrong");
    return;
  }
  require(parse_endpoint(to_string(*read)) == *read, "endpoint there and back");
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 2) return 0;
  const std::uint8_t part = data[0];
  const std::uint64_t seed = 2 + std::uint64_t{data[1]};
  const bytes input = std::as_bytes(std::span(data, size)).subspan(2);
  switch (part % 8) {
  case 0:
    fuzz_greeting(input, seed);
    break;
  case 1:
    fuzz_frame_header(input);
    break;
  case 2:
    fuzz_command(input);
    break;
  case 3:
    fuzz_endpoint(input);
    break;
  default:
    fuzz_frame_scanner(input, seed, part % 4);
    break;
  }
  return 0;
}
