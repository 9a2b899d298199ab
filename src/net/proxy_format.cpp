#include "proxy_format.hpp"

#include <array>

namespace weir::proxy_format {
namespace {

constexpr std::array<std::uint32_t, 256> make_crc32c_table() noexcept {
  constexpr std::uint32_t polynomial = 0x82f63b78u; // Castagnoli, bits reversed
  std::array<std::uint32_t, 256> table{};
  for (std::uint32_t i = 0; i < table.size(); ++i) {
    std::uint32_t crc = i;
    for (int bit = 0; bit < 8; ++bit) crc = (crc & 1u) != 0 ? crc >> 1 ^ polynomial : crc >> 1;
    table[i] = crc;
  }
  return table;
}
constexpr std::array<std::uint32_t, 256> crc32c_table = make_crc32c_table();

} // namespace

std::uint32_t crc32c(std::uint32_t so_far, std::string_view bytes) noexcept {
  for (const char each : bytes)
    so_far = so_far >> 8 ^ crc32c_table[(so_far ^ static_cast<std::uint8_t>(each)) & 0xffu];
  return so_far;
}

std::uint32_t checksum_of(std::string_view header, std::size_t checksum_at) noexcept {
  constexpr std::string_view zeroes{"\0\0\0\0", checksum_bytes};
  std::uint32_t crc = crc32c(crc32c_start, header.substr(0, checksum_at));
  crc = crc32c(crc, zeroes);
  return ~crc32c(crc, header.substr(checksum_at + checksum_bytes));
}

} // namespace weir::proxy_format
