// What became of a question. Shared between the cache and all who asked.
#pragma once

#include <weir/base/error.hpp>
#include <weir/net/address.hpp>
#include <weir/net/resolver_error.hpp>

#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace weir {

struct name_answer {
  std::optional<error> failure;
  std::vector<address> addresses; ///< port 0
  std::string host;               ///< of a reverse lookup
  std::chrono::seconds ttl{0};

  /// That there is nothing is an answer too.
  bool is_negative() const noexcept {
    return failure && (*failure == make_error_code(resolve_errc::name_not_found) ||
                       *failure == make_error_code(resolve_errc::no_data));
  }
};

using shared_answer = std::shared_ptr<const name_answer>;

} // namespace weir
