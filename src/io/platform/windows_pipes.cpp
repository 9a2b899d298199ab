#include "windows_pipes.hpp"

#include "windows_errors.hpp"
#include "windows_handles.hpp"

#include <algorithm>
#include <array>
#include <atomic>
#include <cerrno>
#include <cstdio>

namespace weir::platform {
namespace {

constexpr DWORD pipe_bytes = 64 * 1024;
constexpr std::size_t piece_bytes_max = 0x7fff'f000;
constexpr int names_tried_max = 16; // another process may have taken one

std::atomic<unsigned> names_made{0};

/// Which nobody else in this process has used.
std::array<char, 64> fresh_name() noexcept {
  std::array<char, 64> name{};
  std::snprintf(name.data(), name.size(), "\\\\.\\pipe\\weir.%lu.%u", ::GetCurrentProcessId(),
                names_made.fetch_add(1, std::memory_order_relaxed));
  return name;
}

DWORD flags_of(pipe_use use) noexcept {
  return use == pipe_use::overlapped ? FILE_FLAG_OVERLAPPED : 0;
}

SECURITY_ATTRIBUTES attributes_of(pipe_use use) noexcept {
  return {sizeof(SECURITY_ATTRIBUTES), nullptr, use == pipe_use::inherited};
}

/// The outcome of a call with `place`, which has ended or ends soon.
int outcome_of(BOOL is_begun, int descriptor, OVERLAPPED& place) noexcept {
  if (!is_begun && ::GetLastError() != ERROR_IO_PENDING) return fail_of_win32();
  DWORD count = 0;
  if (!::GetOverlappedResult(handle_of(descriptor), &place, &count, TRUE)) return fail_of_win32();
  return static_cast<int>(count);
}

/// While it lives, a write takes what there is room for, and does not pend.
class without_waiting {
 public:
  explicit without_waiting(HANDLE writer) noexcept : writer_(writer) { set(PIPE_NOWAIT); }
  ~without_waiting() {
    const DWORD why = ::GetLastError();
    set(PIPE_WAIT);
    ::SetLastError(why);
  }
  without_waiting(const without_waiting&) = delete;
  without_waiting& operator=(const without_waiting&) = delete;

 private:
  void set(DWORD mode) const noexcept {
    mode |= PIPE_READMODE_BYTE;
    ::SetNamedPipeHandleState(writer_, &mode, nullptr, nullptr);
  }

  HANDLE writer_;
};

} // namespace

bool make_pipe(pipe_use of_reader, pipe_use of_writer, pipe_handles& into) noexcept {
  SECURITY_ATTRIBUTES reader_attributes = attributes_of(of_reader);
  SECURITY_ATTRIBUTES writer_attributes = attributes_of(of_writer);
  constexpr DWORD kind = PIPE_TYPE_BYTE | PIPE_READMODE_BYTE | PIPE_WAIT | PIPE_REJECT_REMOTE_CLIENTS;
  constexpr DWORD one_instance = 1;
  std::array<char, 64> name{};
  for (int i = 0; i < names_tried_max && into.reader == INVALID_HANDLE_VALUE; ++i) {
    name = fresh_name();
    into.reader = ::CreateNamedPipeA(
        name.data(), PIPE_ACCESS_INBOUND | FILE_FLAG_FIRST_PIPE_INSTANCE | flags_of(of_reader), kind,
        one_instance, pipe_bytes, pipe_bytes, 0, &reader_attributes);
    if (into.reader == INVALID_HANDLE_VALUE && ::GetLastError() != ERROR_ACCESS_DENIED) return false;
  }
  if (into.reader == INVALID_HANDLE_VALUE) return false;
  into.writer = ::CreateFileA(name.data(), GENERIC_WRITE | FILE_READ_ATTRIBUTES, 0, &writer_attributes,
                              OPEN_EXISTING, flags_of(of_writer), nullptr);
  if (into.writer != INVALID_HANDLE_VALUE) return true;
  const DWORD why = ::GetLastError();
  ::CloseHandle(std::exchange(into.reader, INVALID_HANDLE_VALUE));
  ::SetLastError(why);
  return false;
}

bool is_pipe(int descriptor) noexcept {
  DWORD flags = 0; // of sockets the type is the same
  return ::GetFileType(handle_of(descriptor)) == FILE_TYPE_PIPE &&
         ::GetNamedPipeInfo(handle_of(descriptor), &flags, nullptr, nullptr, nullptr);
}

std::optional<std::size_t> unread_of_pipe(int reader) noexcept {
  DWORD unread = 0;
  if (!::PeekNamedPipe(handle_of(reader), nullptr, 0, nullptr, &unread, nullptr)) return std::nullopt;
  return unread;
}

int poll_pipe(int reader, std::uint32_t events) noexcept {
  const std::optional<std::size_t> unread = unread_of_pipe(reader);
  if (!unread) return POLLHUP;
  return *unread > 0 ? static_cast<int>(events & POLLIN) : 0;
}

int read_pipe(int reader, void* into, std::size_t bytes) noexcept {
  const std::optional<std::size_t> unread = unread_of_pipe(reader);
  if (!unread && ::GetLastError() == ERROR_BROKEN_PIPE) return 0;
  if (!unread) return fail_of_win32();
  if (*unread == 0) {
    errno = EAGAIN;
    return -1;
  }
  OVERLAPPED place{};
  place.hEvent = quiet_event_of_thread();
  const auto size = static_cast<DWORD>(std::min(bytes, *unread));
  return outcome_of(::ReadFile(handle_of(reader), into, size, nullptr, &place), reader, place);
}

/// The system takes a write whole or not at all then: half of it may find room where all does not.
int write_pipe(int writer, const void* from, std::size_t bytes) noexcept {
  if (bytes == 0) return 0;
  const without_waiting scope(handle_of(writer));
  for (std::size_t size = std::min(bytes, piece_bytes_max); size > 0; size /= 2) {
    OVERLAPPED place{};
    place.hEvent = quiet_event_of_thread();
    const BOOL is_begun = ::WriteFile(handle_of(writer), from, static_cast<DWORD>(size), nullptr, &place);
    if (const int count = outcome_of(is_begun, writer, place); count != 0) return count;
  }
  errno = EAGAIN;
  return -1;
}

} // namespace weir::platform
