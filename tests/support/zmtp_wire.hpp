// ZMTP as strings, written down from RFC 37 a second time: what tests of sessions and sockets send and
// expect.
#pragma once

#include <weir/zmtp/message.hpp>

#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace weir::zmtp::test {

using parts = std::vector<std::string>;

inline std::string big_endian(std::uint64_t value, int bytes) {
  std::string text;
  for (int shift = 8 * (bytes - 1); shift >= 0; shift -= 8) text += static_cast<char>(value >> shift & 0xff);
  return text;
}

/// `flags` without the LONG bit.
inline std::string wire_frame(std::string_view body, int flags = 0) {
  std::string text(1, static_cast<char>(body.size() > 255 ? flags | 2 : flags));
  text += big_endian(body.size(), body.size() > 255 ? 8 : 1);
  return text.append(body);
}

inline std::string wire_message(std::span<const std::string> frames) {
  std::string text;
  for (std::size_t i = 0; i < frames.size(); ++i)
    text += wire_frame(frames[i], i + 1 < frames.size() ? 1 : 0);
  return text;
}
inline std::string wire_message(std::initializer_list<std::string> frames) {
  return wire_message(std::span(frames.begin(), frames.size()));
}

inline std::string wire_command(std::string_view name, std::string_view data = {}) {
  std::string body(1, static_cast<char>(name.size()));
  body.append(name).append(data);
  return wire_frame(body, 4);
}

inline std::string wire_property(std::string_view name, std::string_view value) {
  std::string text(1, static_cast<char>(name.size()));
  return text.append(name).append(big_endian(value.size(), 4)).append(value);
}

inline std::string wire_ready(std::string_view type, std::string_view identity = {}) {
  return wire_command("READY", wire_property("Socket-Type", type) + wire_property("Identity", identity));
}

inline constexpr std::string_view wire_signature{"\xff\0\0\0\0\0\0\0\x01\x7f", 10};

/// What follows the signature: version, mechanism, as-server, filler.
inline std::string wire_greeting_rest(int minor = 1, std::string_view mechanism = "NULL", int major = 3) {
  std::string text{static_cast<char>(major), static_cast<char>(minor)};
  text.append(mechanism).append(20 - mechanism.size(), '\0').append(32, '\0');
  return text;
}
inline std::string wire_greeting(int minor = 1) {
  return std::string(wire_signature) + wire_greeting_rest(minor);
}

inline parts parts_of(const message& of) {
  parts texts;
  for (std::size_t i = 0; i < of.size(); ++i) texts.emplace_back(of[i].text());
  return texts;
}

inline message message_of(std::span<const std::string> texts) {
  message made;
  for (const std::string& text : texts) made.add(frame(std::string_view(text)));
  return made;
}

} // namespace weir::zmtp::test
