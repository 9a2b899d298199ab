// Reads and writes of files at an offset as overlapped requests (ReadFile, WriteFile).
#include "iocp_reactor.hpp"
#include "iocp_sockets.hpp"
#include "platform/windows_errors.hpp"
#include "platform/windows_handles.hpp"

#include <weir/io/file_operations.hpp>
#include <weir/io/iocp_proactor.hpp>

#include <algorithm>
#include <climits>

namespace weir {

/// One piece of memory of a file that is ours; threads make the calls of all others.
bool iocp_proactor::hand_over_file(file_operation& op) noexcept {
  if (!is_transfer_at(op.kind())) return false;
  auto& transfer = static_cast<transfer_at_operation&>(op);
  if (transfer.pieces().size() != 1 || !port_.port().take(op.descriptor())) return false;
  iocp_request* const request = port_.requests().take(iocp_request::purpose::transfer, op.descriptor(), &op);
  if (!request) return false;
  op.request_ = request;
  flags_of(op) |= flag_carried;
  const int failed = ask_transfer(*request, transfer);
  if (failed == 0 || failed == ERROR_IO_PENDING) {
    settle(*request, failed);
  } else {
    port_.requests().give_back(*request);
    complete(op, platform::result_of_transfer(static_cast<unsigned long>(failed)));
  }
  return true;
}

int iocp_proactor::ask_transfer(iocp_request& request, const transfer_at_operation& op) noexcept {
  const iovec& piece = op.pieces().front();
  const HANDLE file = platform::handle_of(request.number);
  const auto bytes = static_cast<DWORD>(std::min<std::size_t>(piece.iov_len, INT_MAX));
  platform::set_offset(request.overlapped, op.offset);
  counters_.system_calls.count(system_call::submit);
  const BOOL is_done = op.kind() == operation_kind::read_at
                           ? ::ReadFile(file, piece.iov_base, bytes, nullptr, &request.overlapped)
                           : ::WriteFile(file, piece.iov_base, bytes, nullptr, &request.overlapped);
  return is_done ? 0 : static_cast<int>(::GetLastError());
}

} // namespace weir
