// worker_channel: one end of the control channel between a master and a worker: a pair of sockets that keep
// messages apart (SOCK_SEQPACKET), one byte a message. Its end is told by the kernel when the other process
// is gone, however it went.
//
// Thread rule: the loop's thread. Cancel-safety: `receive` cancelled takes nothing. Bound: the socket's
// buffer, some hundred messages; what does not fit is an error of `send`, which never waits.
#pragma once

#include <weir/async/task.hpp>
#include <weir/base/result.hpp>
#include <weir/io/descriptor.hpp>

#include <cstdint>
#include <optional>
#include <utility>

namespace weir {

enum class worker_message : std::uint8_t {
  ready = 'r',    ///< worker: it serves
  alive = 'a',    ///< worker: its loop turns
  draining = 'd', ///< worker: it accepts no more
  drain = 'D',    ///< master: accept no more, and end when all is served
};

class worker_channel {
 public:
  worker_channel() = default;
  explicit worker_channel(descriptor end) noexcept : end_(std::move(end)) {}

  /// The master's end, and the worker's to be passed on.
  static result<std::pair<worker_channel, descriptor>> open();

  result<> send(worker_message what) const noexcept;
  /// The next one; nothing when the other side is gone. What is no message is skipped.
  task<result<std::optional<worker_message>>> receive() const;

 private:
  descriptor end_;
};

} // namespace weir
