// worker_terms: what a master tells a worker when it starts it, in one environment variable: which of the
// workers it is, how often it has to say that it is alive, how long it may drain, and which sockets it has.
// The control channel is descriptor 3, the sockets follow in the order of their names.
#pragma once

#include <weir/base/result.hpp>

#include <chrono>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace weir {

struct worker_terms {
  static constexpr const char* variable = "WEIR_WORKER";
  static constexpr int channel_number = 3;

  unsigned number = 0;
  std::chrono::milliseconds alive_every{0}; ///< 0: need not
  std::chrono::milliseconds drain_within{0};
  std::vector<std::string> sockets; ///< their names

  /// "2 10000 30000 http:admin"
  std::string to_string() const;
  static std::optional<worker_terms> parse(std::string_view text);
};

} // namespace weir
