#include "windows_handles.hpp"

#include <algorithm>

namespace weir::platform {

DWORD begin_transfer(int file, bool reads, const iovec& piece, std::uint64_t offset,
                     OVERLAPPED& request) noexcept {
  constexpr std::size_t piece_bytes_max = 0x7ffff000; // so that a count fits a result
  request.Offset = static_cast<DWORD>(offset);
  request.OffsetHigh = static_cast<DWORD>(offset >> 32);
  const auto bytes = static_cast<DWORD>(std::min(piece.iov_len, piece_bytes_max));
  const BOOL is_done = reads ? ::ReadFile(handle_of(file), piece.iov_base, bytes, nullptr, &request)
                             : ::WriteFile(handle_of(file), piece.iov_base, bytes, nullptr, &request);
  return is_done ? 0 : ::GetLastError();
}

HANDLE quiet_event_of_thread() noexcept {
  struct owned_event {
    HANDLE handle = ::CreateEventA(nullptr, TRUE, FALSE, nullptr);
    ~owned_event() { ::CloseHandle(handle); }
  };
  static thread_local owned_event mine;
  return reinterpret_cast<HANDLE>(reinterpret_cast<std::uintptr_t>(mine.handle) | 1);
}

int start_winsock() noexcept {
  static const int outcome = [] {
    WSADATA about{};
    return ::WSAStartup(MAKEWORD(2, 2), &about);
  }();
  return outcome;
}

int find_extension(GUID name, void* into, DWORD bytes) noexcept {
  if (const int failed = start_winsock(); failed != 0) return failed;
  const SOCKET any = overlapped_socket(AF_INET, SOCK_STREAM, 0);
  DWORD told = 0;
  const int failed = ::WSAIoctl(any, SIO_GET_EXTENSION_FUNCTION_POINTER, &name, sizeof name, into, bytes,
                                &told, nullptr, nullptr);
  const int why = failed == 0 ? 0 : ::WSAGetLastError();
  ::closesocket(any);
  return why;
}

SOCKET overlapped_socket(int family, int type, int protocol) noexcept {
  start_winsock(); // what fails for want of it says so
  return ::WSASocketW(family, type, protocol, nullptr, 0, WSA_FLAG_OVERLAPPED | WSA_FLAG_NO_HANDLE_INHERIT);
}

bool set_non_blocking(SOCKET socket) noexcept {
  u_long yes = 1;
  return ::ioctlsocket(socket, static_cast<long>(FIONBIO), &yes) == 0;
}

} // namespace weir::platform
