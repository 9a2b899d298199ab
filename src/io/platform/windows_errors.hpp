// Errors of Winsock and of Win32 as what the rest of weir knows: errno values.
#pragma once

namespace weir::platform {

/// A positive errno value; EIO for what has no name among them. 0 for 0. Both number spaces are disjoint.
int errno_of(unsigned long windows_error) noexcept;

/// Sets errno to what the last Winsock call met; returns -1, for functions that promise both.
int fail_of_winsock() noexcept;
/// The same of Win32's GetLastError.
int fail_of_win32() noexcept;

} // namespace weir::platform
