#include "windows_handles.hpp"

namespace weir::platform {

int start_winsock() noexcept {
  static const int outcome = [] {
    WSADATA about{};
    return ::WSAStartup(MAKEWORD(2, 2), &about);
  }();
  return outcome;
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
