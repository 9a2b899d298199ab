// Fuzzes the PROXY protocol's parser. The first byte of the input chooses where it is cut, the rest are the
// bytes of a connection. Beyond "no crash" it checks that cutting elsewhere changes nothing, that a reader
// who takes only what is wanted takes the same, that the bounds hold, and that what was read can be written
// and read again.
//
//   proxy_fuzzer -max_len=512 tests/fuzz/corpus/proxy
#include <weir/net/proxy_protocol.hpp>

#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <span>
#include <string>
#include <vector>

namespace {

using namespace weir;
using bytes = std::span<const std::byte>;

constexpr std::size_t v2_bytes_max = 300;

void require(bool invariant, const char* text) {
  if (invariant) return;
  std::fprintf(stderr, "broken invariant: %s\n", text);
  std::abort();
}

struct outcome {
  std::string broken;
  std::string told; ///< all that a complete header says
  std::size_t taken_bytes = 0;
  bool complete = false;
  friend bool operator==(const outcome&, const outcome&) = default;
};

std::string text_of(const proxy_header& header) {
  std::string text = header.is_local ? "local " : header.is_datagram ? "datagram " : "stream ";
  text += header.source ? header.source->to_string() : "?";
  text += " " + (header.destination ? header.destination->to_string() : "?");
  for (const proxy_tlv& each : header.tlvs) text += " " + std::to_string(each.type) + "=" + each.value;
  return text;
}

/// `piece_max` bytes at a time, each piece in memory of its own size; 0: what the parser wants.
outcome read(bytes stream, std::size_t piece_max) {
  proxy_header_parser parser(v2_bytes_max);
  outcome seen;
  while (!stream.empty() && !parser.complete()) {
    const std::size_t wanted = parser.wanted_bytes();
    require(wanted > 0, "an incomplete header wants something");
    const std::size_t size = std::min(piece_max == 0 ? wanted : piece_max, stream.size());
    const std::vector<std::byte> piece(stream.begin(), stream.begin() + static_cast<std::ptrdiff_t>(size));
    const result<std::size_t> taken = parser.feed(piece);
    if (!taken) {
      seen.broken = taken.error().operation();
      seen.taken_bytes = 0; // how much was taken before the error depends on the cuts
      require(!parser.complete() && !seen.broken.empty(), "a broken header is never complete");
      return seen;
    }
    require(*taken <= size && (*taken == size || parser.complete()), "takes what it may");
    seen.taken_bytes += *taken;
    stream = stream.subspan(size);
  }
  seen.complete = parser.complete();
  if (!seen.complete) return seen;
  seen.told = text_of(parser.header());
  const std::size_t bytes_max = parser.header().version == 1 ? proxy_v1_bytes_max : v2_bytes_max;
  require(seen.taken_bytes <= bytes_max, "within its bound");
  return seen;
}

void require_same_again(bytes stream) {
  proxy_header_parser parser(v2_bytes_max);
  if (!parser.feed(stream) || !parser.complete()) return;
  for (const bool with_checksum : {false, true}) {
    const result<std::string> written = encode_proxy_v2(parser.header(), with_checksum);
    const bool has_half = parser.header().source.has_value() != parser.header().destination.has_value();
    if (!written || has_half) continue; // one path fits an address and the other does not
    proxy_header_parser again(0xffff + 16);
    require(again.feed(std::as_bytes(std::span(*written))).has_value() && again.complete(),
            "ours can be read");
    proxy_header expected = parser.header();
    if (expected.is_local || !expected.source) expected.is_datagram = false;
    if (expected.is_local) expected.tlvs.clear();
    require(text_of(again.header()) == text_of(expected), "ours says the same");
  }
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 1) return 0;
  const std::size_t piece_max = 2 + std::size_t{data[0]};
  const bytes input = std::as_bytes(std::span(data, size)).subspan(1);
  const outcome whole = read(input, input.size() + 1);
  require(whole == read(input, 1), "in single bytes");
  require(whole == read(input, piece_max), "in pieces");
  require(whole == read(input, 0), "as it is wanted");
  require_same_again(input);
  return 0;
}
