// redis_wire: commands and replies as they go over a stream, without knowing which belongs to which.
#pragma once

#include "redis_reader.hpp"

#include <weir/adapters/redis_command.hpp>
#include <weir/adapters/redis_options.hpp>
#include <weir/async/task.hpp>
#include <weir/net/stream.hpp>

#include <optional>
#include <string>

namespace weir {

class redis_wire {
 public:
  redis_wire(stream connected, const redis_options& options);

  /// Waits while the stream is at its mark.
  task<result<>> writable();
  /// Queues it whole. An error: there is no memory for it, and a part may have been queued.
  result<> write(const redis_command& what) noexcept;
  /// Until bytes have come. Cancelled, it took none.
  task<result<>> receive();
  result<std::optional<redis_reply>> next() { return reader_.next(); }

  /// The server has ended the connection, or it failed, whether that was read or not.
  bool has_gone() const noexcept;
  const std::string& endpoint() const noexcept { return endpoint_; }
  /// An error reply as an error.
  error refusal(const redis_reply& answer) const;
  error lost(error why) const;

 private:
  stream stream_;
  redis_reader reader_;
  std::string endpoint_;
};

} // namespace weir
