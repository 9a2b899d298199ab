// Pipes of Windows under the rules of pipe(7): named pipes of one instance and a name that is used once,
// since those without a name cannot be overlapped (CreateNamedPipe, Win32). A pipe holds 64 KiB.
#pragma once

#include <weir/io/platform/sockets.hpp>

#include <cstddef>
#include <cstdint>
#include <optional>

namespace weir::platform {

/// How an end is used: by this process with requests that pend, or by another one that knows nothing of them
/// and inherits it.
enum class pipe_use : std::uint8_t { overlapped, inherited };

struct pipe_handles {
  HANDLE reader = INVALID_HANDLE_VALUE;
  HANDLE writer = INVALID_HANDLE_VALUE;
};
/// False, and nothing is made: see GetLastError.
bool make_pipe(pipe_use of_reader, pipe_use of_writer, pipe_handles& into) noexcept;

/// Sockets are none.
bool is_pipe(int descriptor) noexcept;
/// Bytes to read; none when nobody can write any more, or it is no end that is read.
std::optional<std::size_t> unread_of_pipe(int reader) noexcept;
/// Of POLLIN, what holds, and POLLHUP unasked (poll(2)).
int poll_pipe(int reader, std::uint32_t events) noexcept;

/// As read(2) and write(2) of a pipe that does not block: a count, 0 at the end, or -1 and errno.
int read_pipe(int reader, void* into, std::size_t bytes) noexcept;
int write_pipe(int writer, const void* from, std::size_t bytes) noexcept;

} // namespace weir::platform
