// What the C runtime of Windows lacks of signals.hpp. It has few signals; SIGKILL is a name that
// `process::kill` knows.
#pragma once

#include <cstdint>

namespace weir {

using uid_t = std::uint32_t;    ///< there are no numbers of users: always 0
using sigset_t = std::uint32_t; ///< a bit for each number

} // namespace weir

#ifndef SIGKILL
#define SIGKILL 9
#endif
