// The stack of another thread of this process, by a signal to it (watchdog.hpp says how and why so).
#pragma once

#include <sys/types.h>

#include <string>
#include <vector>

namespace weir::watchdog_stack {

/// Loads the unwinder and installs the handler of the signal, for good. 0: the highest real-time signal. The
/// first call decides which.
void prepare(int signal);

/// Innermost frame first; nothing when the thread does not answer within a tenth of a second, or is gone.
std::vector<std::string> of_thread(pid_t thread_id);

/// What the dynamic linker knows of an address: "function+0x12 (program)", or "program+0x1234".
std::string describe(void* address);

} // namespace weir::watchdog_stack
