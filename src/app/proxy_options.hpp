// What can be set on `weir proxy`.
#pragma once

#include <weir/base/result.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace weir::app {

enum class proxy_side : std::uint8_t { frontend, backend };

/// "router:tcp://*:5555" listens, "router+connect:tcp://10.0.0.1:5555" connects.
struct proxy_endpoint {
  std::string address; ///< "tcp://*:5555"
  bool connects = false;
};

struct proxy_options {
  std::vector<proxy_endpoint> frontend;
  std::vector<proxy_endpoint> backend;
  std::size_t hwm = 1000;                         ///< messages a peer and direction; 0: only bytes bound them
  std::uint64_t bytes = std::uint64_t{256} << 20; ///< received and not passed on, all peers together
  std::uint64_t message_max = std::uint64_t{256} << 20; ///< bytes of one message
  std::chrono::milliseconds drain{5'000};               ///< from the first signal to the end
  std::string inspect;                                  ///< path of the socket for `weir top`; empty: none
  bool quiet = false;
  bool json = false;
};

/// The operation of an error is the broken rule, its endpoint the text.
result<proxy_endpoint> parse_proxy_endpoint(std::string_view text, proxy_side side);

} // namespace weir::app
