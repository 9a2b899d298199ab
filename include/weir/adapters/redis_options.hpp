// How to reach a Redis server, and the bounds of a connection to it.
#pragma once

#include <weir/net/address.hpp>
#include <weir/net/stream_options.hpp>

#include <cstddef>
#include <string>
#include <utility>

namespace weir {

struct redis_options {
  explicit redis_options(address server) noexcept : at(std::move(server)) {}

  address at;
  std::string user;     ///< empty: the default user
  std::string password; ///< empty: does not authenticate
  unsigned database = 0;
  std::size_t in_flight_max = 1024; ///< commands that were sent and not answered; further ones wait in line
  std::size_t reply_bytes_max = std::size_t{64} << 20;
  stream_options socket; ///< unsent bytes above `send_bytes` make commands wait, too
};

} // namespace weir
