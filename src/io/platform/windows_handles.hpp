// Descriptors of Windows: a SOCKET or a HANDLE as a number.
#pragma once

#include <weir/io/platform/sockets.hpp>

#include <cstdint>

namespace weir::platform {

inline SOCKET socket_of(int descriptor) noexcept {
  return static_cast<SOCKET>(static_cast<std::intptr_t>(descriptor));
}
inline HANDLE handle_of(int descriptor) noexcept {
  return reinterpret_cast<HANDLE>(static_cast<std::intptr_t>(descriptor));
}
inline int descriptor_of(SOCKET socket) noexcept {
  return static_cast<int>(socket);
}
inline int descriptor_of(HANDLE handle) noexcept {
  return static_cast<int>(reinterpret_cast<std::intptr_t>(handle));
}

/// Starts a read or a write of a file at an offset, which may move less than all: 0 when it has ended, an
/// error of Win32, or ERROR_IO_PENDING.
DWORD begin_transfer(int file, bool reads, const iovec& piece, std::uint64_t offset,
                     OVERLAPPED& request) noexcept;

/// An event of this thread's own, for calls on overlapped handles that are waited for. Its low bit keeps the
/// packet from the completion port that the handle may have (GetQueuedCompletionStatus).
HANDLE quiet_event_of_thread() noexcept;

/// Winsock works from the first call on to the end of the process: 0, or its error.
int start_winsock() noexcept;
/// A function of Winsock that has no name to link with: 0, or Winsock's error.
int find_extension(GUID name, void* into, DWORD bytes) noexcept;
template <class Function>
int find_extension(GUID name, Function& into) noexcept {
  return find_extension(name, &into, sizeof into);
}

/// Not inherited; INVALID_SOCKET.
SOCKET overlapped_socket(int family, int type, int protocol) noexcept;
bool set_non_blocking(SOCKET socket) noexcept;

/// Pieces of memory as Winsock takes them, as many as go into one call.
class wsa_buffers {
 public:
  wsa_buffers(const iovec* pieces, std::size_t count) noexcept {
    for (; count_ < pieces_max && count_ < count; ++count_) {
      buffers_[count_].buf = static_cast<char*>(pieces[count_].iov_base);
      buffers_[count_].len = static_cast<ULONG>(pieces[count_].iov_len);
    }
  }
  WSABUF* data() noexcept { return buffers_; }
  DWORD count() const noexcept { return static_cast<DWORD>(count_); }

 private:
  static constexpr std::size_t pieces_max = 1024; ///< IOV_MAX of others
  WSABUF buffers_[pieces_max];
  std::size_t count_ = 0;
};

} // namespace weir::platform
