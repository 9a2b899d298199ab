#include "iocp_handles.hpp"

#include "platform/windows_errors.hpp"
#include "platform/windows_handles.hpp"
#include "platform/windows_pipes.hpp"

#include <algorithm>
#include <cerrno>
#include <climits>

namespace weir::iocp_handles {
namespace {

/// Where a read of no bytes would put them.
char nowhere;

constexpr ULONG_PTR status_pipe_broken = 0xc000'014b;

/// Once for each wait, by the thread that keeps it or by who calls it off.
void tell(iocp_request& waiting) noexcept {
  if (!waiting.is_told.exchange(true, std::memory_order_acq_rel)) waiting.port->post(waiting.overlapped);
}

void CALLBACK was_signalled(void* waiting, BOOLEAN) noexcept {
  tell(*static_cast<iocp_request*>(waiting));
}

int watch_pipe(iocp_request& request, readiness interest, iocp_port& port) noexcept {
  if (any(interest & readiness::writable) || !any(interest & readiness::readable)) return -EOPNOTSUPP;
  if (!port.take(request.number)) return -EOPNOTSUPP; // of another loop, or not overlapped
  request.what = iocp_request::purpose::watch_pipe;
  if (::ReadFile(platform::handle_of(request.number), &nowhere, 0, nullptr, &request.overlapped)) {
    port.post(request.overlapped);
    return 0;
  }
  switch (const DWORD error = ::GetLastError(); error) {
  case ERROR_IO_PENDING:
    return 0;
  case ERROR_MORE_DATA:   // of a pipe of messages
  case ERROR_BROKEN_PIPE: // its end: the call that reads tells
    port.post(request.overlapped);
    return 0;
  case ERROR_ACCESS_DENIED: // the end that writes
    return -EOPNOTSUPP;
  default:
    return -platform::errno_of(error);
  }
}

/// By a duplicate: the handle may be closed before it is called off.
int watch_object(iocp_request& request, iocp_port& port) noexcept {
  const HANDLE self = ::GetCurrentProcess();
  if (!::DuplicateHandle(self, platform::handle_of(request.number), self, &request.object, SYNCHRONIZE, FALSE,
                         0))
    return -EPERM;
  request.what = iocp_request::purpose::watch_object;
  request.port = &port;
  request.is_told.store(false, std::memory_order_relaxed);
  if (::RegisterWaitForSingleObject(&request.wait, request.object, was_signalled, &request, INFINITE,
                                    WT_EXECUTEONLYONCE | WT_EXECUTEINWAITTHREAD))
    return 0;
  const DWORD error = ::GetLastError();
  ::CloseHandle(std::exchange(request.object, nullptr));
  return -platform::errno_of(error);
}

/// Behind it no other thread knows of the request.
void end_wait(iocp_request& request) noexcept {
  if (!request.wait) return;
  ::UnregisterWaitEx(std::exchange(request.wait, nullptr), INVALID_HANDLE_VALUE); // waits for its call
  ::CloseHandle(std::exchange(request.object, nullptr));
}

} // namespace

int watch(iocp_request& request, readiness interest, iocp_port& port) noexcept {
  if (platform::is_pipe(request.number)) return watch_pipe(request, interest, port);
  const bool is_file = ::GetFileType(platform::handle_of(request.number)) != FILE_TYPE_UNKNOWN;
  return is_file ? -EPERM : watch_object(request, port);
}

void call_off(iocp_request& request) noexcept {
  if (request.what == iocp_request::purpose::watch_object) {
    end_wait(request);
    tell(request);
  } else {
    ::CancelIoEx(platform::handle_of(request.number), &request.overlapped);
  }
}

readiness take(iocp_request& answered) noexcept {
  if (answered.what == iocp_request::purpose::watch_object) {
    end_wait(answered);
    return readiness::readable;
  }
  const bool has_more = platform::unread_of_pipe(answered.number).has_value();
  return has_more ? readiness::readable : readiness::readable | readiness::hangup;
}

DWORD begin_write(iocp_request& request, std::span<const std::byte> from) noexcept {
  const auto size = static_cast<DWORD>(std::min<std::size_t>(from.size(), INT_MAX));
  const BOOL is_done =
      ::WriteFile(platform::handle_of(request.number), from.data(), size, nullptr, &request.overlapped);
  const DWORD error = is_done ? 0 : ::GetLastError();
  if (platform::errno_of(error) != EPIPE) return error;
  request.overlapped.Internal = status_pipe_broken;
  return 0;
}

} // namespace weir::iocp_handles
