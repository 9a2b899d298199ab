#include <weir/io/platform/sockets.hpp>
#include <weir/net/ip_network.hpp>

#include <charconv>
#include <cstring>

namespace weir {
namespace {

constexpr unsigned mapped_bits = 96; ///< of ::ffff:0:0/96, where IPv4 lies

bool is_mapped(const std::array<std::byte, 16>& number) noexcept {
  constexpr std::array<unsigned char, mapped_bits / 8> before{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};
  return std::memcmp(number.data(), before.data(), before.size()) == 0;
}

} // namespace

bool ip_network::number_of(const address& of, number& into) noexcept {
  if (of.family() == AF_INET6) {
    std::memcpy(into.data(), &reinterpret_cast<const sockaddr_in6*>(of.raw())->sin6_addr, into.size());
    return true;
  }
  if (of.family() != AF_INET) return false;
  into.fill(std::byte{0});
  into[10] = into[11] = std::byte{0xff};
  std::memcpy(&into[12], &reinterpret_cast<const sockaddr_in*>(of.raw())->sin_addr, 4);
  return true;
}

result<ip_network> ip_network::parse(std::string_view text) {
  const std::size_t slash = text.find('/');
  const std::string_view host = text.substr(0, slash);
  const result<address> first = address::ip(host, 0);
  if (!first || host == "*") return fail(error(errc::invalid_argument, "not an IP network").at(text));
  const unsigned bits_max = first->family() == AF_INET ? 32 : 128;
  unsigned bits = bits_max;
  if (slash != std::string_view::npos) {
    const std::string_view digits = text.substr(slash + 1);
    const auto [end, failure] = std::from_chars(digits.data(), digits.data() + digits.size(), bits);
    if (failure != std::errc{} || end != digits.data() + digits.size() || bits > bits_max)
      return fail(error(errc::invalid_argument, "not a prefix length in").at(text));
  }
  number lowest;
  number_of(*first, lowest);
  return ip_network(lowest, bits_max == 32 ? mapped_bits + bits : bits);
}

bool ip_network::contains(const address& candidate) const noexcept {
  number other;
  if (!number_of(candidate, other)) return false;
  if (bits_ < mapped_bits && is_mapped(other)) return false; // "::/0" is all of IPv6 and nothing of IPv4
  const std::size_t whole_bytes = bits_ / 8;
  if (std::memcmp(first_.data(), other.data(), whole_bytes) != 0) return false;
  const unsigned rest_bits = bits_ % 8;
  if (rest_bits == 0) return true;
  const unsigned mask = 0xffu << (8 - rest_bits) & 0xffu;
  return ((std::to_integer<unsigned>(first_[whole_bytes]) ^ std::to_integer<unsigned>(other[whole_bytes])) &
          mask) == 0;
}

} // namespace weir
