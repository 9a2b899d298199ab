#include "windows_errors.hpp"

#include "windows_handles.hpp"

#include <cerrno>

namespace weir::platform {
namespace {

struct translation {
  unsigned long windows_error;
  int number;
};

constexpr translation translations[] = {
    {0, 0},
    // Winsock (Windows Sockets Error Codes)
    {WSAEINTR, EINTR},
    {WSAEBADF, EBADF},
    {WSAEACCES, EACCES},
    {WSAEFAULT, EFAULT},
    {WSAEINVAL, EINVAL},
    {WSAEMFILE, EMFILE},
    {WSAEWOULDBLOCK, EAGAIN},
    {WSAEINPROGRESS, EINPROGRESS},
    {WSAEALREADY, EALREADY},
    {WSAENOTSOCK, ENOTSOCK},
    {WSAEDESTADDRREQ, EDESTADDRREQ},
    {WSAEMSGSIZE, EMSGSIZE},
    {WSAEPROTOTYPE, EPROTOTYPE},
    {WSAENOPROTOOPT, ENOPROTOOPT},
    {WSAEPROTONOSUPPORT, EPROTONOSUPPORT},
    {WSAESOCKTNOSUPPORT, ESOCKTNOSUPPORT},
    {WSAEOPNOTSUPP, EOPNOTSUPP},
    {WSAEAFNOSUPPORT, EAFNOSUPPORT},
    {WSAEADDRINUSE, EADDRINUSE},
    {WSAEADDRNOTAVAIL, EADDRNOTAVAIL},
    {WSAENETDOWN, ENETDOWN},
    {WSAENETUNREACH, ENETUNREACH},
    {WSAENETRESET, ENETRESET},
    {WSAECONNABORTED, ECONNABORTED},
    {WSAECONNRESET, ECONNRESET},
    {WSAENOBUFS, ENOBUFS},
    {WSAEISCONN, EISCONN},
    {WSAENOTCONN, ENOTCONN},
    {WSAESHUTDOWN, EPIPE},
    {WSAETIMEDOUT, ETIMEDOUT},
    {WSAECONNREFUSED, ECONNREFUSED},
    {WSAENAMETOOLONG, ENAMETOOLONG},
    {WSAEHOSTDOWN, EHOSTDOWN},
    {WSAEHOSTUNREACH, EHOSTUNREACH},
    // Win32 (System Error Codes): of files, and of overlapped operations on sockets
    {ERROR_FILE_NOT_FOUND, ENOENT},
    {ERROR_PATH_NOT_FOUND, ENOENT},
    {ERROR_TOO_MANY_OPEN_FILES, EMFILE},
    {ERROR_ACCESS_DENIED, EACCES},
    {ERROR_INVALID_HANDLE, EBADF},
    {ERROR_NOT_ENOUGH_MEMORY, ENOMEM},
    {ERROR_OUTOFMEMORY, ENOMEM},
    {ERROR_BAD_EXE_FORMAT, ENOEXEC},
    {ERROR_NOT_SAME_DEVICE, EXDEV},
    {ERROR_WRITE_PROTECT, EROFS},
    {ERROR_SHARING_VIOLATION, EBUSY},
    {ERROR_LOCK_VIOLATION, EBUSY},
    {ERROR_NOT_SUPPORTED, EOPNOTSUPP},
    {ERROR_FILE_EXISTS, EEXIST},
    {ERROR_ALREADY_EXISTS, EEXIST},
    {ERROR_INVALID_PARAMETER, EINVAL},
    {ERROR_BROKEN_PIPE, EPIPE},
    {ERROR_NO_DATA, EPIPE},
    {ERROR_DISK_FULL, ENOSPC},
    {ERROR_HANDLE_DISK_FULL, ENOSPC},
    {ERROR_INVALID_NAME, ENOENT},
    {ERROR_DIR_NOT_EMPTY, ENOTEMPTY},
    {ERROR_DIRECTORY, ENOTDIR},
    {ERROR_FILENAME_EXCED_RANGE, ENAMETOOLONG},
    {ERROR_HANDLE_EOF, 0},
    {ERROR_OPERATION_ABORTED, ECANCELED},
    {ERROR_NETNAME_DELETED, ECONNRESET},
    {ERROR_CONNECTION_REFUSED, ECONNREFUSED},
    {ERROR_CONNECTION_ABORTED, ECONNABORTED},
    {ERROR_CONNECTION_INVALID, ENOTCONN},
    {ERROR_NETWORK_UNREACHABLE, ENETUNREACH},
    {ERROR_HOST_UNREACHABLE, EHOSTUNREACH},
    {ERROR_PORT_UNREACHABLE, ECONNREFUSED},
    {ERROR_SEM_TIMEOUT, ETIMEDOUT},
    {ERROR_NO_SYSTEM_RESOURCES, ENOBUFS},
    {ERROR_PIPE_NOT_CONNECTED, EPIPE},
};

} // namespace

int errno_of(unsigned long windows_error) noexcept {
  for (const translation& each : translations)
    if (each.windows_error == windows_error) return each.number;
  return EIO;
}

int result_of_transfer(unsigned long windows_error) noexcept {
  return windows_error == ERROR_ACCESS_DENIED ? -EBADF : -errno_of(windows_error);
}

int winsock_error_of(int descriptor) noexcept {
  const int number = errno_of(static_cast<unsigned long>(::WSAGetLastError()));
  DWORD flags = 0;
  const bool is_nobodys = number == ENOTSOCK && !::GetHandleInformation(handle_of(descriptor), &flags);
  return is_nobodys ? EBADF : number;
}

bool concerns_lost_connection(int number) noexcept {
  return number == ECONNRESET || number == ECONNABORTED;
}

int fail_of_winsock(int descriptor) noexcept {
  errno = winsock_error_of(descriptor);
  return -1;
}

int fail_of_win32() noexcept {
  errno = errno_of(::GetLastError());
  return -1;
}

} // namespace weir::platform
