// What iocp_proactor asks of Winsock beside the calls that do not block (nonblocking_calls.hpp).
#pragma once

#include "iocp_request.hpp"

#include <weir/base/result.hpp>

namespace weir::iocp_sockets {

/// Starts Winsock and finds its extensions; once a process.
result<> load();

void cancel(iocp_request& request) noexcept;
/// Does nothing for -1.
void close(int socket) noexcept;

} // namespace weir::iocp_sockets
