// splice_pipe: a pipe through which bytes go from one descriptor to another without entering the memory of
// the process (splice(2)). `relay` is the whole of it for sockets, a proxy in one call:
//
//   transfer moved = co_await relay(client.get(), server.get()); // until the client has ended its side
//
// Thread rule: the loop's thread; one task at a time. Lifetime: movable, not while a call is under way.
// Descriptors: sockets and pipes, non-blocking; nobody else reads from the one or writes to the other, so
// none that a stream has adopted, which always reads. Bound: what the pipe holds, 256 KiB where the system
// grants it (/proc/sys/fs/pipe-user-pages-soft): a full sink stops its source. Cancel-safety: bytes that were
// taken and not given on stay in the pipe; `relay` cancelled drops those with the pipe, and tells how many
// bytes the sink took. Errors: std::errc::broken_pipe when nobody reads any more; SIGPIPE is not raised.
#pragma once

#include <weir/async/task.hpp>
#include <weir/base/result.hpp>
#include <weir/base/transfer.hpp>
#include <weir/io/descriptor.hpp>

#include <cstddef>

namespace weir {

class splice_pipe {
 public:
  static result<splice_pipe> open();

  /// Waits for bytes of `source` and takes as many as fit; 0 when it has ended. Precondition: it holds none.
  task<result<std::size_t>> fill_from(int source);
  /// Waits for room in `sink` and gives on what fits, at least one byte. Precondition: it holds some.
  task<result<std::size_t>> drain_to(int sink);

  /// Where others put bytes in, and then say so.
  int input() const noexcept { return input_.get(); }
  void filled(std::size_t bytes) noexcept { held_bytes_ += bytes; }

  std::size_t held_bytes() const noexcept { return held_bytes_; }
  std::size_t capacity_bytes() const noexcept { return capacity_bytes_; }

 private:
  splice_pipe(descriptor output, descriptor input, std::size_t capacity_bytes) noexcept
      : output_(std::move(output)), input_(std::move(input)), capacity_bytes_(capacity_bytes) {}

  descriptor output_;
  descriptor input_;
  std::size_t capacity_bytes_;
  std::size_t held_bytes_ = 0;
};

/// Moves bytes until `source` ends; how many. Shuts nothing down.
task<transfer> relay(int source, int sink);

} // namespace weir
