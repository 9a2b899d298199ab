// connect_host: happy eyeballs (happy_eyeballs.hpp) to a name: A and AAAA are asked for at the same time, and
// the race begins with the first that comes. Is that A, AAAA gets `resolution_delay` to come in front of it
// (RFC 8305, section 3); addresses that come later join the race.
//
// Errors: that of the lookup when no address was found, else the summary of the attempts. Cancel-safety and
// bounds: those of its parts; lookups that are still under way when the race is won are cancelled and
// awaited. `names` outlives it.
#pragma once

#include <weir/net/happy_eyeballs.hpp>
#include <weir/net/resolver.hpp>

#include <cstdint>
#include <string>

namespace weir {

task<result<stream>> connect_host(resolver& names, std::string host, std::uint16_t port,
                                  connect_options options = connect_options());

} // namespace weir
