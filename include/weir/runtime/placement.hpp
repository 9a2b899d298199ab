// placement: on which loop of a group a connection is served.
#pragma once

#include <weir/base/result.hpp>

#include <cstdint>
#include <string_view>

namespace weir {

enum class placement : std::uint8_t {
  reuse_port,   ///< a listening socket a loop; the kernel chooses by a hash of the addresses (SO_REUSEPORT,
                ///< socket(7))
  round_robin,  ///< one socket; each loop in turn
  least_loaded, ///< one socket; the loop with the fewest connections: right for few that live long
};

std::string_view name_of(placement how) noexcept;
/// By its name, as `name_of` gives it; errc::invalid_argument.
result<placement> parse_placement(std::string_view text);

} // namespace weir
