#include <weir/zmtp/frame_scanner.hpp>

#include <algorithm>
#include <cstring>

namespace weir::zmtp {

result<scan_event> frame_scanner::scan(std::span<const std::byte>& chunk) {
  if (body_bytes_missing_ == 0) long_command_.reset();
  while (!chunk.empty()) {
    if (body_bytes_missing_ == 0) {
      if (header_bytes_seen_ == 0 && messages_allowed_) walk_whole_frames(chunk);
      if (chunk.empty()) break;
      const header_status status = take_header(chunk);
      if (status == header_status::incomplete) break;
      if (status != header_status::complete) return fail(errc::protocol, broken_rule(status));
      if (auto begun = begin_frame(); !begun) return fail(begun.error());
    }
    take_body(chunk);
    if (body_bytes_missing_ == 0 && end_frame() == scan_event::command) return scan_event::command;
  }
  return scan_event::end_of_chunk;
}

namespace {

/// Messages of one short frame: there is nothing to check and nothing to remember but where each ends. Those
/// of one size come in runs: within one the processor need not have read a header to know where the next one
/// is.
std::uint64_t pass_short_messages(const std::byte*& at, std::size_t& left) noexcept {
  std::uint64_t passed = 0;
  while (left >= short_header_bytes && at[0] == std::byte{0}) {
    const std::byte* const first = at;
    const std::size_t frame_bytes = short_header_bytes + std::to_integer<std::size_t>(at[1]);
    for (; left >= frame_bytes && std::memcmp(at, first, short_header_bytes) == 0; left -= frame_bytes) {
      at += frame_bytes;
      ++passed;
    }
    if (at == first) break; // it goes on in the next chunk
  }
  return passed;
}

} // namespace

/// The fast path: message frames that lie in the chunk as a whole and break neither rule nor limit. All else
/// is left to the steps below, which know what to do and what to blame.
void frame_scanner::walk_whole_frames(std::span<const std::byte>& chunk) noexcept {
  std::uint64_t messages = messages_completed_;
  std::uint64_t bytes = message_bytes_;
  std::uint32_t frames = frames_;
  const std::byte* at = chunk.data();
  std::size_t left = chunk.size();

  const bool short_ones_pass = limits_.message_bytes_max >= short_body_bytes_max && limits_.frames_max > 0;
  frame_header header;
  for (;;) {
    if (frames == 0 && short_ones_pass) messages += pass_short_messages(at, left);
    if (decode_header(at, left, header) != header_status::complete) break;
    if (header.kind == frame_kind::command || header.body_bytes > left - header.header_bytes) break;
    if (frames >= limits_.frames_max || header.body_bytes > limits_.message_bytes_max - bytes) break;
    at += header.header_bytes + header.body_bytes;
    left -= header.header_bytes + header.body_bytes;
    if (header.kind == frame_kind::more) {
      ++frames;
      bytes += header.body_bytes;
    } else {
      ++messages;
      frames = 0;
      bytes = 0;
    }
  }

  messages_completed_ = messages;
  message_bytes_ = bytes;
  frames_ = frames;
  chunk = {at, left};
}

/// Reads into `frame_`, across chunks if need be.
header_status frame_scanner::take_header(std::span<const std::byte>& chunk) noexcept {
  const std::size_t copied = std::min(chunk.size(), header_bytes_max - header_bytes_seen_);
  if (copied != 0) std::memcpy(header_.data() + header_bytes_seen_, chunk.data(), copied);
  const header_status status = decode_header(header_.data(), header_bytes_seen_ + copied, frame_);
  if (status == header_status::incomplete) {
    header_bytes_seen_ = static_cast<std::uint8_t>(header_bytes_seen_ + copied);
    chunk = {};
  } else if (status == header_status::complete) {
    chunk = chunk.subspan(frame_.header_bytes - header_bytes_seen_);
    header_bytes_seen_ = 0;
  }
  return status;
}

result<> frame_scanner::begin_frame() noexcept {
  if (frame_.kind == frame_kind::command) {
    if (frame_.body_bytes > limits_.command_bytes_max)
      return fail(errc::limit_reached, "command longer than command_bytes_max");
  } else {
    if (!messages_allowed_) return fail(errc::protocol, "message before the end of the handshake");
    if (frames_ >= limits_.frames_max)
      return fail(errc::limit_reached, "message of more than frames_max frames");
    if (frame_.body_bytes > limits_.message_bytes_max - message_bytes_)
      return fail(errc::limit_reached, "message longer than message_bytes_max");
    ++frames_;
    message_bytes_ += frame_.body_bytes;
  }
  body_bytes_missing_ = frame_.body_bytes;
  return {};
}

void frame_scanner::take_body(std::span<const std::byte>& chunk) {
  const auto piece = chunk.first(std::min<std::uint64_t>(chunk.size(), body_bytes_missing_));
  if (frame_.kind == frame_kind::command) collect_command(piece);
  body_bytes_missing_ -= piece.size();
  chunk = chunk.subspan(piece.size());
}

/// A command that lies in one chunk is not copied.
void frame_scanner::collect_command(std::span<const std::byte> piece) {
  const std::size_t body_bytes = frame_.body_bytes;
  const std::size_t collected_bytes = body_bytes - body_bytes_missing_;
  if (piece.size() == body_bytes) {
    command_ = piece;
    return;
  }
  if (piece.empty()) return;
  const bool is_long = body_bytes > inline_command_bytes;
  if (is_long && collected_bytes == 0)
    long_command_ = std::make_unique_for_overwrite<std::byte[]>(body_bytes);
  std::byte* const whole = is_long ? long_command_.get() : short_command_.data();
  std::memcpy(whole + collected_bytes, piece.data(), piece.size());
  command_ = {whole, body_bytes};
}

scan_event frame_scanner::end_frame() noexcept {
  if (frame_.kind == frame_kind::command) return scan_event::command;
  if (frame_.kind == frame_kind::last) {
    ++messages_completed_;
    message_bytes_ = 0;
    frames_ = 0;
  }
  return scan_event::end_of_chunk;
}

} // namespace weir::zmtp
