// send_file: the bytes of a file to a socket, past the memory of the process: from the page cache into a
// pipe, from the pipe into the socket (splice(2)).
//
//   result<> flushed = co_await client.flush();
//   transfer sent = co_await send_file(client.native_handle(), page, 0, size);
//
// It takes the number of a descriptor and so knows no sockets: fs/ and net/ stand side by side. Precondition:
// the socket is non-blocking, and nobody else writes to it meanwhile: a stream was flushed. What waits for
// the disk, the first half, is an operation that does not hold up the loop; the second waits for room in the
// socket. Bound: what a pipe holds, 256 KiB where the system grants it, is all that is under way; others run
// between two fillings. Cancel-safety: the transfer tells how many bytes the socket took. Errors: of the file
// with its path; std::errc::broken_pipe when the peer is gone (SIGPIPE is not raised); errc::end_of_stream
// where the file is shorter than `bytes`.
#pragma once

#include <weir/async/task.hpp>
#include <weir/base/transfer.hpp>
#include <weir/fs/file.hpp>

#include <cstddef>
#include <cstdint>

namespace weir::fs {

task<transfer> send_file(int socket, const file& from, std::uint64_t offset, std::size_t bytes);

} // namespace weir::fs
