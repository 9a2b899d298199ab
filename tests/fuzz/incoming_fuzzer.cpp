// Fuzzes the way from arrived bytes to messages. The first byte of the input decides where the stream is cut
// and what the reader does when; the rest is the stream. What is taken must be what a simple reading of the
// whole stream finds, up to where it breaks a rule: by the short way and the other, at once and later, across
// leases. That the scanner finds that place is what codec_fuzzer checks.
//
//   incoming_fuzzer -max_len=4096 tests/fuzz/corpus/incoming
#include "pieces.hpp"

#include <weir/zmtp/incoming.hpp>

#include <cstdint>
#include <utility>
#include <vector>

namespace {

using namespace weir;
using namespace weir::zmtp;
using namespace weir::fuzz;

constexpr scan_limits limits{.message_bytes_max = 1 << 20};

using parts = std::vector<octets>;

/// The whole messages in front of whatever breaks a rule, from a stream that is there as a whole.
std::vector<parts> messages_simply(bytes stream, std::uint64_t count) {
  std::vector<parts> messages;
  parts begun;
  while (messages.size() < count) {
    frame_header header;
    require(decode_header(stream.data(), stream.size(), header) == header_status::complete, "was scanned");
    const bytes body = stream.subspan(header.header_bytes, header.body_bytes);
    stream = stream.subspan(header.header_bytes + body.size());
    if (header.kind == frame_kind::command) continue;
    begun.push_back(copy_of(body));
    if (header.kind == frame_kind::last) messages.push_back(std::exchange(begun, {}));
  }
  return messages;
}

/// Takes as a socket does, now by the short way and now by the other, now at once and now later.
class taker {
 public:
  explicit taker(std::uint64_t seed) : arrived_(limits), choice_(seed) {
    arrived_.scanner().allow_messages();
  }

  bool arrive(bytes piece) {
    lease chunk = lease::copy_of(piece);
    bytes unread = chunk;
    arrived_.push(std::move(chunk));
    while (!unread.empty())
      if (!arrived_.scanner().scan(unread)) return false;
    while (arrived_.has_message() && choose()) take();
    if (arrived_.has_message()) return true;
    if (arrived_.scanner().at_boundary())
      arrived_.clear();
    else if (choose())
      arrived_.unpin_newest();
    return true;
  }
  std::vector<parts> finish() {
    if (choose()) arrived_.end_of_connection();
    while (arrived_.has_message()) take();
    return std::move(taken_);
  }

 private:
  bool choose() { return next_random(choice_) >> 63 != 0; }

  void take() {
    arrived_.open_short_way(choose() ? 1 : arrived_.messages());
    while (arrived_.is_short_way_open() && arrived_.try_take_short(short_))
      taken_.push_back({copy_of(short_.bytes())});
    if (!arrived_.has_message() || choose()) return;
    arrived_.take(message_);
    parts& out = taken_.emplace_back();
    for (const frame& each : message_) out.push_back(copy_of(each.bytes()));
    short_ = choose() && message_.size() == 1 ? message_.pop_front() : frame();
  }

  incoming arrived_;
  std::uint64_t choice_;
  frame short_;
  message message_;
  std::vector<parts> taken_;
};

std::uint64_t count_messages(bytes stream) {
  frame_scanner scanner(limits);
  scanner.allow_messages();
  while (!stream.empty() && scanner.scan(stream)) {
  }
  return scanner.messages_completed();
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 1) return 0;
  const std::uint64_t seed = 2 + std::uint64_t{data[0]};
  const bytes stream = std::as_bytes(std::span(data, size)).subspan(1);
  const std::vector<parts> expected = messages_simply(stream, count_messages(stream));
  for (const std::uint64_t cuts : {knife::whole, knife::single_bytes, seed}) {
    taker socket(seed);
    feed_in_pieces(stream, cuts, [&](bytes piece) { return socket.arrive(piece); });
    require(socket.finish() == expected, "what arrives is taken");
  }
  return 0;
}
