// Reads and writes of files at an offset as overlapped requests (ReadFile, WriteFile).
#include "iocp_reactor.hpp"
#include "platform/windows_errors.hpp"
#include "platform/windows_handles.hpp"

#include <weir/io/file_operations.hpp>
#include <weir/io/iocp_proactor.hpp>

namespace weir {

/// One piece of memory of a file that is ours; threads make the calls of all others.
bool iocp_proactor::hand_over_file(file_operation& op) noexcept {
  if (!is_transfer_at(op.kind())) return false;
  const auto& transfer = static_cast<const transfer_at_operation&>(op);
  if (transfer.pieces().size() != 1 || !port_.port().take(op.descriptor())) return false;
  iocp_request* const request = port_.requests().take(iocp_request::purpose::transfer, op.descriptor(), &op);
  if (!request) return false;
  op.request_ = request;
  flags_of(op) |= flag_carried;
  counters_.system_calls.count(system_call::submit);
  const bool reads = op.kind() == operation_kind::read_at;
  const DWORD begun = platform::begin_transfer(op.descriptor(), reads, transfer.pieces().front(),
                                               transfer.offset, request->overlapped);
  if (begun == 0 || begun == ERROR_IO_PENDING) {
    settle(*request, static_cast<int>(begun));
  } else {
    port_.requests().give_back(*request);
    complete(op, platform::result_of_transfer(begun));
  }
  return true;
}

} // namespace weir
