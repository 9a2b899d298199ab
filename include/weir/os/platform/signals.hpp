// The vocabulary of signals and of who sends them under POSIX names, on every system: numbers, sets of
// numbers, ids of processes and users. Windows has of signals what the C runtime has, and names that
// `process::kill` knows.
//
// Source: <signal.h>, <sys/types.h> of POSIX.1-2017; Windows: the C runtime's.
#pragma once

#include <sys/types.h>

#include <csignal>

#ifdef _WIN32
#include <cstdint>

namespace weir {

using uid_t = std::uint32_t;    ///< there are no numbers of users: always 0
using sigset_t = std::uint32_t; ///< a bit for each number

} // namespace weir

#ifndef SIGKILL
#define SIGKILL 9
#endif
#endif
