// socket_setting: one option of a socket in a table of those that a program may ask for (setsockopt(2)).
#pragma once

#include <weir/base/result.hpp>

#include <span>

namespace weir {

struct socket_setting {
  bool is_wanted;
  int level;
  int name;
  int value;
  const char* operation; ///< of the error where the kernel refuses
};

/// Those that are wanted, in order, up to the first that is refused.
result<void> apply(std::span<const socket_setting> settings, int socket);

} // namespace weir
