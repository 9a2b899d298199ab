// pipe_end: one end of a pipe(7), read or written by coroutines: a child's standard streams (process.hpp).
//
// Reads wait first, writes try first; the bytes are moved by read(2) and write(2), which do not block here.
// Nothing is kept on this side: what the pipe holds, 64 KiB by default, is all that is under way, and a full
// one stops the writer. A writer that nobody reads any more is told std::errc::broken_pipe; SIGPIPE is not
// raised. Thread rule: the loop's thread; one task reads or writes an end at a time. Lifetime: movable;
// outlives its reads and writes; destroying it closes it, and the other side sees the end. Cancel-safety:
// read_some and write_some cancelled move nothing; write_all cancelled may have written a part.
//
// Windows: nothing there tells that a pipe has room, and a write that waits for it cannot be taken back
// without a doubt about how much of it is out. So a write that waits is of a copy, 64 KiB at most, once an
// end. Cancelled it is a success: the copy goes on from this side, the next write waits for it and hears how
// it ended, `close` drops what the pipe has not taken of it. An end belongs to the first loop that uses it,
// and is one that was opened for overlapped use.
#pragma once

#include <weir/async/task.hpp>
#include <weir/base/result.hpp>
#include <weir/io/descriptor.hpp>

#include <cstddef>
#include <memory>
#include <span>
#include <utility>

namespace weir {

class pipe_end {
 public:
  pipe_end() = default;
  pipe_end(pipe_end&&) noexcept = default;
  pipe_end& operator=(pipe_end&& other) noexcept {
    close();
    end_ = std::move(other.end_);
    unwritten_ = std::move(other.unwritten_);
    return *this;
  }
  ~pipe_end() { close(); }
  /// Takes over an end, and makes it non-blocking.
  static result<pipe_end> adopt(descriptor end);

  explicit operator bool() const noexcept { return static_cast<bool>(end_); }
  int native_handle() const noexcept { return end_.get(); }

  /// At least one byte; 0 when nobody can write any more and all was read. `into` must not be empty.
  task<result<std::size_t>> read_some(std::span<std::byte> into);
  /// At least one byte; fewer than given when the pipe is nearly full.
  task<result<std::size_t>> write_some(std::span<const std::byte> from);
  /// All of it. Lets others run after each 256 KiB, however fast it is read.
  task<result<>> write_all(std::span<const std::byte> from);

  void close() noexcept;

 private:
  explicit pipe_end(descriptor end) noexcept : end_(std::move(end)) {}

  class unwritten;

  descriptor end_;
  std::shared_ptr<unwritten> unwritten_; ///< where a write that waits cannot be taken back; else null
};

} // namespace weir
