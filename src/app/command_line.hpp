// The command line of `weir`: what it offers, and what was asked for.
#pragma once

namespace weir::app {

/// Parses and obeys. Returns the exit status (exit_code.hpp): usage errors go to standard error and name the
/// option.
int run_command(int argc, const char* const* argv);

} // namespace weir::app
