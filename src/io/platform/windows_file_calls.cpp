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

constexpr DWORD shared_with_all = FILE_SHARE_READ | FILE_SHARE_WRITE | FILE_SHARE_DELETE;

bool is_directory(const char* path) noexcept {
  const DWORD found = ::GetFileAttributesA(path);
  return found != INVALID_FILE_ATTRIBUTES && (found & FILE_ATTRIBUTE_DIRECTORY) != 0;
}

int call(const open_operation& op) noexcept {
  if (op.descriptor() != AT_FDCWD) return -ENOSYS;
  const DWORD access = access_of(op.flags);
  const DWORD directories_too = access == GENERIC_READ ? FILE_FLAG_BACKUP_SEMANTICS : 0;
  const HANDLE file = ::CreateFileA(op.path, access, shared_with_all, nullptr, disposition_of(op.flags),
                                    FILE_FLAG_OVERLAPPED | directories_too, nullptr);
  if (file != INVALID_HANDLE_VALUE) return platform::descriptor_of(file);
  const int why = error_now();
  return why == -EACCES && is_directory(op.path) ? -EISDIR : why;
}

/// Of one piece.
int transfer_piece(int file, bool reads, const iovec& piece, std::uint64_t offset) noexcept {
  OVERLAPPED place{};
  place.hEvent = platform::quiet_event_of_thread();
  const DWORD begun = platform::begin_transfer(file, reads, piece, offset, place);
  if (begun != 0 && begun != ERROR_IO_PENDING) return platform::result_of_transfer(begun);
  DWORD count = 0;
  if (::GetOverlappedResult(platform::handle_of(file), &place, &count, TRUE)) return static_cast<int>(count);
  return platform::result_of_transfer(::GetLastError());
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

/// 100 nanoseconds since 1601 as time since 1970.
statx_timestamp time_of(FILETIME from) noexcept {
  constexpr std::int64_t ticks_a_second = 10'000'000, seconds_before_1970 = 11'644'473'600;
  const std::int64_t ticks = static_cast<std::int64_t>(from.dwHighDateTime) << 32 | from.dwLowDateTime;
  return {ticks / ticks_a_second - seconds_before_1970,
          static_cast<std::uint32_t>(ticks % ticks_a_second) * 100};
}

std::uint16_t mode_of(DWORD attributes) noexcept {
  if (attributes & FILE_ATTRIBUTE_DIRECTORY) return S_IFDIR | 0755;
  return S_IFREG | (attributes & FILE_ATTRIBUTE_READONLY ? 0444 : 0644);
}

int status_of(HANDLE file, struct statx& into) noexcept {
  BY_HANDLE_FILE_INFORMATION found{};
  if (!::GetFileInformationByHandle(file, &found)) return error_now();
  into = {};
  into.stx_mask = STATX_BASIC_STATS | STATX_BTIME;
  into.stx_mode = mode_of(found.dwFileAttributes);
  into.stx_nlink = found.nNumberOfLinks;
  into.stx_ino = static_cast<std::uint64_t>(found.nFileIndexHigh) << 32 | found.nFileIndexLow;
  into.stx_size = static_cast<std::uint64_t>(found.nFileSizeHigh) << 32 | found.nFileSizeLow;
  into.stx_dev_minor = found.dwVolumeSerialNumber;
  into.stx_atime = time_of(found.ftLastAccessTime);
  into.stx_btime = time_of(found.ftCreationTime);
  into.stx_mtime = into.stx_ctime = time_of(found.ftLastWriteTime);
  return 0;
}

int call(const status_operation& op) noexcept {
  if (op.flags & AT_EMPTY_PATH && *op.path == '\0')
    return status_of(platform::handle_of(op.descriptor()), *op.into);
  if (op.descriptor() != AT_FDCWD) return -ENOSYS;
  const DWORD link_itself = op.flags & AT_SYMLINK_NOFOLLOW ? FILE_FLAG_OPEN_REPARSE_POINT : 0;
  const HANDLE file = ::CreateFileA(op.path, FILE_READ_ATTRIBUTES, shared_with_all, nullptr, OPEN_EXISTING,
                                    FILE_FLAG_BACKUP_SEMANTICS | link_itself, nullptr);
  if (file == INVALID_HANDLE_VALUE) return error_now();
  const int outcome = status_of(file, *op.into);
  ::CloseHandle(file);
  return outcome;
}

int call(const rename_operation& op) noexcept {
  if (op.descriptor() != AT_FDCWD || op.to_directory != AT_FDCWD) return -ENOSYS;
  if ((op.flags & ~RENAME_NOREPLACE) != 0) return -EINVAL;
  const DWORD how = op.flags & RENAME_NOREPLACE ? 0 : MOVEFILE_REPLACE_EXISTING;
  return outcome(::MoveFileExA(op.from, op.to, how));
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
