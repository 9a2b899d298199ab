// Operations on files as calls that block, for threads of the pool. Paths are relative to the working
// directory only (AT_FDCWD); what has no like here fails with ENOSYS.
#include "../file_calls.hpp"
#include "windows_errors.hpp"
#include "windows_handles.hpp"

#include <weir/io/platform/files.hpp>

#include <algorithm>
#include <cerrno>
#include <string>

namespace weir {
namespace {

int error_now() noexcept {
  return -platform::errno_of(::GetLastError());
}

int outcome(BOOL succeeded) noexcept {
  return succeeded ? 0 : error_now();
}

DWORD access_of(int flags) noexcept {
  switch (flags & (O_RDONLY | O_WRONLY | O_RDWR)) {
  case O_WRONLY:
    return GENERIC_WRITE;
  case O_RDWR:
    return GENERIC_READ | GENERIC_WRITE;
  default:
    return GENERIC_READ;
  }
}

DWORD disposition_of(int flags) noexcept {
  if (flags & O_CREAT) return flags & O_EXCL ? CREATE_NEW : flags & O_TRUNC ? CREATE_ALWAYS : OPEN_ALWAYS;
  return flags & O_TRUNC ? TRUNCATE_EXISTING : OPEN_EXISTING;
}

int call(const open_operation& op) noexcept {
  if (op.descriptor() != AT_FDCWD) return -ENOSYS;
  const HANDLE file =
      ::CreateFileA(op.path, access_of(op.flags), FILE_SHARE_READ | FILE_SHARE_WRITE | FILE_SHARE_DELETE,
                    nullptr, disposition_of(op.flags), FILE_ATTRIBUTE_NORMAL | FILE_FLAG_OVERLAPPED, nullptr);
  return file == INVALID_HANDLE_VALUE ? error_now() : platform::descriptor_of(file);
}

/// An event of this thread's own, for calls on files that are overlapped.
HANDLE event_of_thread() noexcept {
  struct owned_event {
    HANDLE handle = ::CreateEventA(nullptr, TRUE, FALSE, nullptr);
    ~owned_event() { ::CloseHandle(handle); }
  };
  static thread_local owned_event mine;
  return mine.handle;
}

/// Of one piece. The packet of the completion port, which the file may have, is suppressed by the event's low
/// bit (GetQueuedCompletionStatus).
int transfer_piece(int file, bool reads, const iovec& piece, std::uint64_t offset) noexcept {
  OVERLAPPED place{};
  const HANDLE event = event_of_thread();
  place.hEvent = reinterpret_cast<HANDLE>(reinterpret_cast<std::uintptr_t>(event) | 1);
  place.Offset = static_cast<DWORD>(offset);
  place.OffsetHigh = static_cast<DWORD>(offset >> 32);
  const auto size = static_cast<DWORD>(std::min<std::size_t>(piece.iov_len, 0x7ffff000));
  const BOOL begun = reads ? ::ReadFile(platform::handle_of(file), piece.iov_base, size, nullptr, &place)
                           : ::WriteFile(platform::handle_of(file), piece.iov_base, size, nullptr, &place);
  if (!begun && ::GetLastError() != ERROR_IO_PENDING) return error_now();
  DWORD count = 0;
  return ::GetOverlappedResult(platform::handle_of(file), &place, &count, TRUE) ? static_cast<int>(count)
                                                                                : error_now();
}

int call(const transfer_at_operation& op) noexcept {
  const bool reads = op.kind() == operation_kind::read_at;
  int sum = 0;
  for (const iovec& piece : op.pieces()) {
    const int count =
        transfer_piece(op.descriptor(), reads, piece, op.offset + static_cast<std::uint64_t>(sum));
    if (count < 0) return sum > 0 ? sum : count;
    sum += count;
    if (static_cast<std::size_t>(count) < piece.iov_len) break;
  }
  return sum;
}

int call(const sync_operation& op) noexcept {
  return outcome(::FlushFileBuffers(platform::handle_of(op.descriptor())));
}

int set_size(int file, std::uint64_t size_bytes) noexcept {
  FILE_END_OF_FILE_INFO wanted{};
  wanted.EndOfFile.QuadPart = static_cast<LONGLONG>(size_bytes);
  return outcome(
      ::SetFileInformationByHandle(platform::handle_of(file), FileEndOfFileInfo, &wanted, sizeof wanted));
}

int call(const allocate_operation& op) noexcept {
  if (op.mode != 0) return -EOPNOTSUPP;
  LARGE_INTEGER size{};
  if (!::GetFileSizeEx(platform::handle_of(op.descriptor()), &size)) return error_now();
  const std::uint64_t wanted = op.offset + op.bytes;
  return static_cast<std::uint64_t>(size.QuadPart) >= wanted ? 0 : set_size(op.descriptor(), wanted);
}

int call(const truncate_operation& op) noexcept {
  return set_size(op.descriptor(), op.size_bytes);
}

int call(const status_operation&) noexcept {
  return -ENOSYS; // statx(2) is Linux's
}

int call(const rename_operation& op) noexcept {
  if (op.descriptor() != AT_FDCWD || op.to_directory != AT_FDCWD || op.flags != 0) return -ENOSYS;
  return outcome(::MoveFileExA(op.from, op.to, MOVEFILE_REPLACE_EXISTING));
}

int call(const unlink_operation& op) noexcept {
  if (op.descriptor() != AT_FDCWD) return -ENOSYS;
  return outcome(op.flags & AT_REMOVEDIR ? ::RemoveDirectoryA(op.path) : ::DeleteFileA(op.path));
}

int call(const make_directory_operation& op) noexcept {
  if (op.descriptor() != AT_FDCWD) return -ENOSYS;
  return outcome(::CreateDirectoryA(op.path, nullptr));
}

int call(const splice_operation&) noexcept {
  return -ENOSYS;
}

} // namespace

int call_blocking(file_operation& op) noexcept {
  return visit_file_operation(op, [](const auto& which) noexcept { return call(which); });
}

} // namespace weir
