// macOS has no real-time signals and none of the calls that belong to them. Never installed.
#pragma once

#include_next <unistd.h>

#undef _POSIX_REALTIME_SIGNALS
#define _POSIX_REALTIME_SIGNALS (-1)
