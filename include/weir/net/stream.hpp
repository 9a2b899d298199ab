// stream: a connected byte stream, TCP or unix-domain, with backpressure in both directions (DESIGN 5,
// docs/walk-receive.md).
//
// Reading: a receive is always pending; what arrives is kept in leases up to the credit, then the receive
// pauses and the peer sees
//   its window close; it goes on at half of the credit. End of file comes behind all data.
// Writing: what is written in a turn is gathered and leaves in one call at its end. A writer waits only while
// the unsent bytes are at
//   the high mark.
// Thread rule: the thread of the loop on which it was made. At most one task reads and one writes at a time
// (asserted). Lifetime: movable. Destroying it drops what is unsent and closes; `close` sends it first.
// Cancel-safety: every call. A read that is cancelled takes nothing; `read_exactly` and `write_all` report
// how many bytes were moved. Errors: an error of the connection is reported to every later call of that
// direction, reads deliver what arrived before it first. A send that fails for another reason than the peer's
// end, such as memory, ends both directions: the peer is not left to wait, and reads report it too.
#pragma once

#include <weir/async/event.hpp>
#include <weir/async/task.hpp>
#include <weir/base/lease.hpp>
#include <weir/base/result.hpp>
#include <weir/base/transfer.hpp>
#include <weir/io/descriptor.hpp>
#include <weir/net/address.hpp>
#include <weir/net/outbound.hpp>
#include <weir/net/stream_options.hpp>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>

namespace weir {

class stream {
 public:
  stream() = default;
  stream(stream&&) = default;
  stream& operator=(stream&&) = default;

  static task<result<stream>> connect(address to, stream_options options = stream_options{});
  /// Takes over a connected socket, and starts to receive.
  static result<stream> adopt(descriptor socket, const stream_options& options = stream_options{});

  explicit operator bool() const noexcept { return core_ != nullptr; }

  /// The next bytes, as many as arrived in one piece; an empty lease at end of file.
  task<result<lease>> read();
  /// The same without waiting: nothing when nothing is buffered.
  std::optional<lease> try_read() noexcept;
  /// For who reads in a loop of his own: `bool woken = co_await s.next_arrival();` waits until something has
  /// changed for readers, which may be less than `try_read` hopes for. False: cancelled. Unlike `read` it is
  /// no task, and so costs no frame. Precondition: nothing is buffered, and it has not ended.
  class arrival_awaiter;
  arrival_awaiter next_arrival() noexcept;
  /// Something is buffered.
  bool has_arrived() const noexcept;
  /// Nothing is buffered, and no more bytes will come.
  bool has_ended() const noexcept;
  /// Why not, if that is a failure.
  std::optional<error> read_error() const noexcept;
  /// At least one byte, at most `into.size()`; 0 at end of file.
  task<result<std::size_t>> read_some(std::span<std::byte> into);
  /// All of `into`, or the reason why not: errc::end_of_stream at end of file. Large reads go straight into
  /// `into`.
  task<transfer> read_exactly(std::span<std::byte> into);

  /// As many bytes as fit below the high mark, at least one; waits while at the mark. The bytes are copied.
  task<result<std::size_t>> write(std::span<const std::byte> bytes);
  /// The same, without a copy, whole.
  task<result<void>> write(lease bytes);
  task<transfer> write_all(std::span<const std::byte> bytes);
  /// Waits until the kernel has taken everything written so far.
  task<result<void>> flush();

  /// Flushes, then tells the peer that no more will come (shutdown(2), SHUT_WR). Reading goes on.
  task<result<void>> shutdown();
  /// Flushes, then closes. Cancelled or failing, it closes all the same and drops the rest.
  task<result<void>> close();

  /// Closes at once. What the kernel has not taken is moved to `unsent`, for another connection to send.
  task<> abort(outbound& unsent);

  result<address> local_address() const;
  result<address> remote_address() const;
  int native_handle() const noexcept;

  // For protocols that encode in place: write to `output`, then call `output_written`. The reference stays
  // valid as long as the stream. Throws std::bad_alloc.
  outbound& output();
  void output_written() noexcept;
  /// The unsent bytes are below the high mark.
  bool is_writable() const noexcept;
  /// Waits until the unsent bytes are at half of the mark or below.
  task<result<void>> writable();
  /// `notify` runs with `context` whenever the kernel has taken bytes, and when it has failed to; from a
  /// handler of the loop. Null: nothing runs.
  void on_bytes_sent(void (*notify)(void* context) noexcept, void* context) noexcept;
  /// Why nothing can be sent any more, if that is so.
  std::optional<error> write_error() const noexcept;
  /// All bytes that the kernel has taken since the start; grows monotonically.
  std::uint64_t bytes_sent() const noexcept;

 private:
  class core;
  struct abandon {
    void operator()(core* orphan) const noexcept;
  };
  explicit stream(core* made) noexcept : core_(made) {}

  task<result<std::size_t>> read_direct(std::span<std::byte> into);

  std::unique_ptr<core, abandon> core_;
};

class [[nodiscard]] stream::arrival_awaiter : public event::wait_awaiter {
 public:
  using wait_awaiter::wait_awaiter;
  bool await_resume() noexcept { return wait_awaiter::await_resume().has_value(); }
};

/// One class serves both families; these names say which a program means.
using tcp_stream = stream;
using unix_stream = stream;

} // namespace weir
