// ip_network: a block of IP addresses, as "10.0.0.0/8", "fd00::/8" or a single "192.0.2.1" (RFC 4632, RFC
// 4291). A value. IPv4 addresses that a socket shows in IPv6 form (::ffff:10.0.0.1) count as IPv4.
#pragma once

#include <weir/base/result.hpp>
#include <weir/net/address.hpp>

#include <array>
#include <cstddef>
#include <string_view>

namespace weir {

class ip_network {
 public:
  static result<ip_network> parse(std::string_view text);

  /// Never of a unix-domain address.
  bool contains(const address& candidate) const noexcept;

 private:
  using number = std::array<std::byte, 16>;
  ip_network(const number& first, unsigned bits) noexcept : first_(first), bits_(bits) {}
  static bool number_of(const address& of, number& into) noexcept;

  number first_{};    ///< IPv4 in its IPv6 form
  unsigned bits_ = 0; ///< of 128
};

} // namespace weir
