// macOS has no real-time signals. Never installed.
#pragma once

#include_next <signal.h>

#undef SIGRTMIN
#undef SIGRTMAX
