// The vocabulary of signals and of who sends them under POSIX names, on every system: numbers, sets of
// numbers, ids of processes and users; as sockets.hpp is for sockets.
//
// Source: <signal.h>, <sys/types.h> of POSIX.1-2017; Windows: the C runtime's.
#pragma once

#include <sys/types.h>

#include <csignal>
#include <cstddef>

#ifdef _WIN32
#include <weir/io/platform/windows_signals.hpp>
#endif

namespace weir {

/// Above all numbers that a system has: FreeBSD's end at 128, while its NSIG is 32.
inline constexpr std::size_t signal_numbers_end = 129;

} // namespace weir
