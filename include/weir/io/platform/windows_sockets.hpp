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
  void* msg_control; ///< of cmsghdr
  std::size_t msg_controllen;
  int msg_flags;
};

struct mmsghdr {
  msghdr msg_hdr;
  unsigned msg_len;
};

// Control data of messages (cmsg(3)): as Winsock lays it out.
using cmsghdr = WSACMSGHDR;
inline constexpr int SCM_RIGHTS = 1; ///< of no call here
constexpr std::size_t CMSG_ALIGN(std::size_t bytes) noexcept {
  return (bytes + alignof(cmsghdr) - 1) & ~(alignof(cmsghdr) - 1);
}
constexpr std::size_t CMSG_LEN(std::size_t bytes) noexcept {
  return sizeof(cmsghdr) + bytes;
}
constexpr std::size_t CMSG_SPACE(std::size_t bytes) noexcept {
  return sizeof(cmsghdr) + CMSG_ALIGN(bytes);
}
inline unsigned char* CMSG_DATA(const cmsghdr* of) noexcept {
  return reinterpret_cast<unsigned char*>(const_cast<cmsghdr*>(of) + 1);
}
inline cmsghdr* CMSG_FIRSTHDR(const msghdr* in) noexcept {
  return in->msg_controllen >= sizeof(cmsghdr) ? static_cast<cmsghdr*>(in->msg_control) : nullptr;
}
inline cmsghdr* CMSG_NXTHDR(const msghdr* in, const cmsghdr* before) noexcept {
  const auto begin = static_cast<unsigned char*>(in->msg_control);
  unsigned char* const next = CMSG_DATA(before) - sizeof(cmsghdr) + CMSG_ALIGN(before->cmsg_len);
  const bool is_inside = next + sizeof(cmsghdr) <= begin + in->msg_controllen;
  return is_inside ? reinterpret_cast<cmsghdr*>(next) : nullptr;
}

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
