// What the command's exit status says. A program that ends early by a signal's wish reports it as shells do:
// 128 and the signal's number.
#pragma once

namespace weir::app {

inline constexpr int exit_success = 0;
inline constexpr int exit_failure = 1; ///< it could not be done on this machine, or went wrong on the way
inline constexpr int exit_usage = 2;   ///< the command line asks for what does not exist
inline constexpr int exit_by_signal(int number) noexcept {
  return 128 + number;
}

} // namespace weir::app
