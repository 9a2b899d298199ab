// Readiness of what is no socket, on a completion port: of pipes, by a read of no bytes, which ends when
// there is something to read; of handles that are signalled (processes, events), by a wait that threads of
// the system keep for up to 63 of them each, and that posts a packet. Regular files are always ready.
//
// Nothing tells when a pipe has room: -EOPNOTSUPP. Whoever has started a watch gets exactly one packet for
// it, also when it was called off. Thread rule: the loop's thread.
//
// Source: ReadFile, CancelIoEx, RegisterWaitForSingleObject (Win32).
#pragma once

#include "iocp_port.hpp"
#include "iocp_request.hpp"

#include <weir/io/reactor.hpp>

namespace weir::iocp_handles {

/// Of the handle that the request names: 0, or -errno; -EPERM for what is always ready.
int watch(iocp_request& request, readiness interest, iocp_port& port) noexcept;
/// Its packet comes the sooner.
void call_off(iocp_request& request) noexcept;
/// What its packet says.
readiness take(iocp_request& answered) noexcept;

/// Starts a write to a pipe: 0, an error of Win32, or ERROR_IO_PENDING. That nobody reads it is told by the
/// request.
DWORD begin_write(iocp_request& request, std::span<const std::byte> from) noexcept;

} // namespace weir::iocp_handles
