// The vocabulary of sockets under POSIX names, on every system: addresses, scattered memory, messages, poll
// masks. A system that lacks some of it gets what is missing in namespace weir, with the layout that its own
// calls take where there is one, else with POSIX's. What such a system's backend cannot do fails there, not
// here.
//
// Source: <sys/socket.h>, <sys/uio.h>, <netinet/in.h>, <netinet/tcp.h>, <sys/un.h>, <poll.h> of POSIX.1-2017;
// Windows: Winsock 2 reference, <afunix.h>.
#pragma once

#ifdef _WIN32
#include <weir/io/platform/windows_sockets.hpp>
#else
#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/types.h>
#include <sys/uio.h>
#include <sys/un.h>
#endif
