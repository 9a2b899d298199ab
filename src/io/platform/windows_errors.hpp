// Errors of Winsock and of Win32 as what the rest of weir knows: errno values.
#pragma once

namespace weir::platform {

/// A positive errno value; EIO for what has no name among them. 0 for 0. Both number spaces are disjoint.
int errno_of(unsigned long windows_error) noexcept;

/// Of a read or write of a file that did not succeed: 0 at the end of it, else -errno. POSIX has EBADF for
/// what the file was not opened for.
int result_of_transfer(unsigned long windows_error) noexcept;

/// What the last Winsock call on a descriptor met. EBADF for a number that is nobody's, which Winsock takes
/// for something that is no socket.
int winsock_error_of(int descriptor) noexcept;

/// Of a connection that died before it was accepted: no fault of the listener's.
bool concerns_lost_connection(int number) noexcept;

/// Sets errno to that; returns -1, for functions that promise both.
int fail_of_winsock(int descriptor = -1) noexcept;
/// The same of Win32's GetLastError.
int fail_of_win32() noexcept;

} // namespace weir::platform
