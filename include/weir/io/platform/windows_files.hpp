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

inline constexpr unsigned RENAME_NOREPLACE = 1;

inline constexpr unsigned STATX_BASIC_STATS = 0x7ff;
inline constexpr unsigned STATX_BTIME = 0x800;

struct statx_timestamp {
  std::int64_t tv_sec;
  std::uint32_t tv_nsec;
};

struct statx {
  std::uint32_t stx_mask;
  std::uint32_t stx_nlink;
  std::uint32_t stx_uid; ///< 0, as the group
  std::uint32_t stx_gid;
  std::uint16_t stx_mode; ///< what kind it is, and whether it is read-only
  std::uint64_t stx_ino;
  std::uint64_t stx_size;
  statx_timestamp stx_atime;
  statx_timestamp stx_btime;
  statx_timestamp stx_ctime; ///< as mtime
  statx_timestamp stx_mtime;
  std::uint32_t stx_dev_major;
  std::uint32_t stx_dev_minor; ///< the volume
};

/// No file of the C runtime is a socket.
constexpr bool S_ISSOCK(int) noexcept {
  return false;
}

} // namespace weir
