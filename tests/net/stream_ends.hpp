// Two ends of one connection: a stream, and the bare socket that it talks to.
#pragma once

#include <weir/net/stream.hpp>

#include <gtest/gtest.h>
#include <support/coroutine_fixture.hpp>
#include <support/raw_socket.hpp>

#include <cstddef>
#include <span>
#include <string>
#include <string_view>
#include <utility>

namespace weir::test {

struct stream_ends {
  stream_ends(stream made, raw_socket other) : ours(std::move(made)), theirs(std::move(other)) {}
  stream ours;
  raw_socket theirs;
};

class stream_test : public transport_test {
 protected:
  /// Call it from a coroutine.
  stream_ends connected(const stream_options& options = stream_options{}) const {
    connection pair = connect_pair(over());
    result<stream> adopted = stream::adopt(std::move(pair.ours), options);
    EXPECT_TRUE(adopted) << adopted.error().message();
    return {std::move(*adopted), raw_socket(std::move(pair.theirs))};
  }
};

inline std::span<const std::byte> bytes_of(std::string_view text) {
  return std::as_bytes(std::span(text));
}
inline std::string text_of(std::span<const std::byte> bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

/// Exactly `size` bytes, or what came before the end or an error.
inline task<std::string> read_text(stream& from, std::size_t size) {
  std::string text(size, '\0');
  const transfer moved = co_await from.read_exactly(std::as_writable_bytes(std::span(text)));
  text.resize(moved.bytes());
  co_return text;
}
/// What comes until the end of file, piece by piece.
template <class Stream>
task<std::string> read_to_end(Stream& from) {
  std::string text;
  bool goes_on = true;
  while (goes_on) {
    result<lease> piece = co_await from.read();
    EXPECT_TRUE(piece) << piece.error().message();
    goes_on = piece && !piece->empty();
    if (goes_on) text += text_of(piece->bytes());
  }
  co_return text;
}
inline task<> write_text(stream& to, std::string_view text) {
  const transfer moved = co_await to.write_all(bytes_of(text));
  EXPECT_TRUE(moved) << moved.error().message();
}

} // namespace weir::test
