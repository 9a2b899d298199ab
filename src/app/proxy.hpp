// weir proxy: a ROUTER/DEALER broker as a process: runs until SIGTERM or SIGINT, then drains.
#pragma once

#include "proxy_options.hpp"

namespace weir::app {

/// Returns the exit status.
int run_proxy(const proxy_options& options);

} // namespace weir::app
