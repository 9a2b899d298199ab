// The vocabulary of files and descriptors under POSIX names, on every system; as sockets.hpp is for sockets.
//
// Source: <fcntl.h>, <sys/stat.h> of POSIX.1-2017 and of Linux; Windows: the C runtime's.
#pragma once

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <unistd.h>

#ifdef _WIN32
#include <weir/io/platform/windows_files.hpp>
#endif
