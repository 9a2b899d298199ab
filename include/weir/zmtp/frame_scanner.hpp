// frame_scanner: walks the frames of a connection's byte stream as its chunks arrive, before anybody asks for
// a message. It looks at headers and skips bodies, so that a session knows at arrival: how many whole
// messages wait in its buffers, which commands want an answer even though the consumer is slow, whether the
// peer breaks a rule or a limit (at the header, before a byte of the body is stored), and how much is still
// to come of a large frame that had better be received into memory of its own.
//
// Commands between the frames of one message are accepted: the grammar of RFC 37 has no room for them, but
// libzmq sends them so (a PONG overtakes the rest of a long multipart message) and accepts them so.
//
// Thread rule: a value of one session. Allocates only for a command longer than a heartbeat that is split
// between chunks: once, at most `command_bytes_max`, given back with the next call.
#pragma once

#include <weir/base/result.hpp>
#include <weir/zmtp/frame_header.hpp>

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>

namespace weir::zmtp {

/// What a peer may ask of our memory. All of it is inclusive.
struct scan_limits {
  std::uint64_t message_bytes_max = 256 * 1024 * 1024; ///< bodies of all frames of a message together
  std::uint32_t frames_max = 65'536;                   ///< frames of a message
  std::uint32_t command_bytes_max = 8 * 1024;          ///< body of a command
};

enum class scan_event : std::uint8_t {
  end_of_chunk, ///< all of the chunk was walked
  command,      ///< a command has ended: `command()`; the rest of the chunk waits for the next call
};

class frame_scanner {
 public:
  explicit frame_scanner(const scan_limits& limits = scan_limits{}) noexcept : limits_(limits) {}

  /// Walks on through `chunk`, the bytes that follow those of the call before, and removes from its front
  /// what it has walked. Call it until the chunk is empty. Cutting the stream in other places changes
  /// nothing but the number of calls.
  ///
  /// Fails with errc::protocol or errc::limit_reached, naming the rule or the limit. The stream cannot be
  /// followed any further then: do not call it again. Throws std::bad_alloc.
  result<scan_event> scan(std::span<const std::byte>& chunk);

  /// Until this is called a message frame is an error. To be called when READY has been understood: the scan
  /// stops behind it.
  void allow_messages() noexcept { messages_allowed_ = true; }

  /// Whole messages that have passed since the beginning.
  std::uint64_t messages_completed() const noexcept { return messages_completed_; }

  /// The body of the command that the last call ended with. Valid until the next call, and no longer than
  /// that call's chunk.
  std::span<const std::byte> command() const noexcept { return command_; }

  /// Bytes still to come of a message frame whose header has passed, and that header. 0 elsewhere, also in
  /// commands. Bytes that are received into memory of their own are scanned like all others, at no cost.
  std::uint64_t body_bytes_missing() const noexcept {
    return frame_.kind == frame_kind::command ? 0 : body_bytes_missing_;
  }
  const frame_header& frame() const noexcept { return frame_; }

  /// No message, command or header is incomplete: here, and only here, a stream may end in good order.
  bool at_boundary() const noexcept {
    return body_bytes_missing_ == 0 && header_bytes_seen_ == 0 && frames_ == 0;
  }

 private:
  void walk_whole_frames(std::span<const std::byte>& chunk) noexcept;
  header_status take_header(std::span<const std::byte>& chunk) noexcept;
  result<> begin_frame() noexcept;
  void take_body(std::span<const std::byte>& chunk);
  void collect_command(std::span<const std::byte> piece);
  scan_event end_frame() noexcept;

  /// A PING with the longest context fits.
  static constexpr std::size_t inline_command_bytes = 32;

  scan_limits limits_;
  std::uint64_t messages_completed_ = 0;
  std::uint64_t message_bytes_ = 0; ///< of the message in progress, the frame in progress included
  std::uint32_t frames_ = 0;        ///< of the message in progress, the frame in progress included
  bool messages_allowed_ = false;
  std::uint8_t header_bytes_seen_ = 0; ///< of a header that is split between chunks
  std::array<std::byte, header_bytes_max> header_{};
  frame_header frame_;
  std::uint64_t body_bytes_missing_ = 0;
  std::span<const std::byte> command_;
  std::array<std::byte, inline_command_bytes> short_command_{};
  std::unique_ptr<std::byte[]> long_command_;
};

} // namespace weir::zmtp
