// pipe_end: one end of a pipe(7), read or written by coroutines: a child's standard streams (process.hpp).
//
// Reads wait first, writes try first; the bytes are moved by read(2) and write(2), which do not block here.
// Nothing is kept on this side: what the pipe holds, 64 KiB by default, is all that is under way, and a full
// one stops the writer. A writer that nobody reads any more is told std::errc::broken_pipe; SIGPIPE is not
// raised. Thread rule: the loop's thread; one task reads or writes an end at a time. Lifetime: movable;
// outlives its reads and writes; destroying it closes it, and the other side sees the end. Cancel-safety:
// read_some and write_some cancelled move nothing; write_all cancelled may have written a part.
#pragma once

#include <weir/async/task.hpp>
#include <weir/base/result.hpp>
#include <weir/io/descriptor.hpp>

#include <cstddef>
#include <span>

namespace weir {

class pipe_end {
 public:
  pipe_end() = default;
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

  void close() noexcept { end_.reset(); }

 private:
  explicit pipe_end(descriptor end) noexcept : end_(std::move(end)) {}

  descriptor end_;
};

} // namespace weir
