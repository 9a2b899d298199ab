// Bytes for tests of the codec: wire("\x04\x0a" "..."), repeated(), joined().
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstring>
#include <ostream>
#include <span>
#include <string_view>
#include <vector>

namespace weir::zmtp::test {

using octets = std::vector<std::byte>;

/// The characters of a literal, nulls included, its terminator excluded.
template <std::size_t N>
octets wire(const char (&literal)[N]) {
  octets bytes(N - 1);
  std::memcpy(bytes.data(), literal, N - 1);
  return bytes;
}

inline octets repeated(std::size_t count, char letter = 'z') {
  return octets(count, static_cast<std::byte>(letter));
}

template <class... Parts>
octets joined(const Parts&... pieces) {
  octets all((pieces.size() + ...));
  auto end = all.begin();
  ((end = std::copy(pieces.begin(), pieces.end(), end)), ...);
  return all;
}

inline octets copied(std::span<const std::byte> bytes) {
  return {bytes.begin(), bytes.end()};
}

inline std::string_view text_of(std::span<const std::byte> bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

} // namespace weir::zmtp::test
