// What the C runtime of Windows lacks of files.hpp. Flags and commands have the numbers of Linux.
#pragma once

#include <cstdint>

namespace weir {

inline constexpr int O_CLOEXEC = 0x80000;
inline constexpr int O_NONBLOCK = 0x800;
inline constexpr int O_DIRECTORY = 0x10000;

/// The one directory that paths may be relative to.
inline constexpr int AT_FDCWD = -100;
inline constexpr int AT_SYMLINK_NOFOLLOW = 0x100;
inline constexpr int AT_REMOVEDIR = 0x200;
inline constexpr int AT_EMPTY_PATH = 0x1000;

// Commands of system_calls::fcntl.
inline constexpr int F_GETFD = 1;
inline constexpr int FD_CLOEXEC = 1;
inline constexpr int F_DUPFD_CLOEXEC = 1030;
inline constexpr int F_GETFL = 3;
inline constexpr int F_SETFL = 4;
inline constexpr int F_SETPIPE_SZ = 1031;

struct statx;

/// No file of the C runtime is a socket.
constexpr bool S_ISSOCK(int) noexcept {
  return false;
}

} // namespace weir
