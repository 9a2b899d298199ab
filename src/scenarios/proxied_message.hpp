// What clients and workers tell each other through the proxy of the scenario of that name: two frames, a
// header and a body whose bytes are told by who wrote it, and which it is.
#pragma once

#include <weir/zmtp/message.hpp>

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>

namespace weir::scenarios {

inline constexpr std::uint32_t proxy_clients = 3;
inline constexpr std::uint32_t proxy_workers = 2;

struct proxied_header {
  std::uint32_t client = 0;
  std::uint32_t number = 0;     ///< from 1 on
  std::uint32_t worker = 0;     ///< who answers, from 1 on; 0: a request
  std::uint32_t body_bytes = 0; ///< of the frame behind it

  std::string_view text() const noexcept { return {reinterpret_cast<const char*>(this), sizeof *this}; }
  char at(std::size_t place) const noexcept {
    return static_cast<char>(client * 131 + number * 31 + worker * 17 + place * 7);
  }
  /// Header and body, the last two frames of a message.
  void write_to(zmtp::message& made) const {
    std::string body(body_bytes, '\0');
    for (std::size_t i = 0; i < body.size(); ++i) body[i] = at(i);
    made.add().assign(text());
    made.add().assign(body);
  }
  /// False: it is not what anybody has written.
  bool read_from(const zmtp::message& from) noexcept {
    if (from.size() < 2) return false;
    const zmtp::frame& head = from[from.size() - 2];
    const zmtp::frame& body = from[from.size() - 1];
    if (head.size() != sizeof *this) return false;
    std::memcpy(this, head.data(), sizeof *this);
    if (client >= proxy_clients || number == 0 || worker > proxy_workers || body.size() != body_bytes)
      return false;
    for (std::size_t i = 0; i < body.size(); ++i)
      if (static_cast<char>(body.data()[i]) != at(i)) return false;
    return true;
  }
};

} // namespace weir::scenarios
