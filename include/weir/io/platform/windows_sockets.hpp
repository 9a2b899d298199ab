// What Winsock 2 has of sockets.hpp, and what it lacks. A descriptor is the SOCKET or HANDLE as a number: the
// system uses 32 bits of them, and they are positive.
#pragma once

#include <weir/base/platform/windows_api.hpp>

#include <sys/types.h>

#include <cstddef>
#include <cstdint>

namespace weir {

using sa_family_t = ADDRESS_FAMILY;

struct iovec {
  void* iov_base;
  std::size_t iov_len;
};

struct msghdr {
  void* msg_name;
  socklen_t msg_namelen;
  iovec* msg_iov;
  std::size_t msg_iovlen;
  void* msg_control; ///< of WSACMSGHDR
  std::size_t msg_controllen;
  int msg_flags;
};

struct mmsghdr {
  msghdr msg_hdr;
  unsigned msg_len;
};

// Flags of socket types and calls. Sockets never outlive their process in another here, and all that
// weir makes are non-blocking: what is left is to accept the names.
inline constexpr int SOCK_NONBLOCK = 0x800;
inline constexpr int SOCK_CLOEXEC = 0x80000;
inline constexpr int MSG_DONTWAIT = 0x4000;
inline constexpr int MSG_NOSIGNAL = 0x8000;
inline constexpr int MSG_CMSG_CLOEXEC = 0;

inline constexpr int SHUT_RD = SD_RECEIVE;
inline constexpr int SHUT_WR = SD_SEND;
inline constexpr int SHUT_RDWR = SD_BOTH;

/// The peer has closed its sending side: of no call here, but of poll operations.
inline constexpr int POLLRDHUP = 0x2000;

// Errors that the C runtime has no number for: Winsock's.
inline constexpr int ESHUTDOWN = WSAESHUTDOWN;
inline constexpr int EHOSTDOWN = WSAEHOSTDOWN;
inline constexpr int ESOCKTNOSUPPORT = WSAESOCKTNOSUPPORT;

/// A question of ioctl(2) that nothing here answers: bytes that were written and are not sent.
inline constexpr unsigned long TIOCOUTQ = 0x5411;

// Options that no call here knows: they fail with ENOPROTOOPT.
inline constexpr int SO_REUSEPORT = 0x7fff'0001;
inline constexpr int TCP_CONGESTION = 0x7fff'0002;

// Options of Windows 10 that the headers of mingw-w64 10 lack (ws2ipdef.h of the SDK).
inline constexpr int TCP_KEEPIDLE = 3;
inline constexpr int TCP_KEEPCNT = 16;
inline constexpr int TCP_KEEPINTVL = 17;

} // namespace weir
