// descriptor_stream: a unix-domain stream whose bytes may have descriptors along (SCM_RIGHTS, unix(7)): for
// handing sockets and files from process to process. For bytes alone there is `stream`, which reads ahead and
// would let descriptors go.
//
// It receives when it is asked to: the kernel keeps the rest, and its sender waits at the socket's buffer.
// Descriptors come with the first of the bytes that they were sent with; a receive never joins what came with
// different ones.
//
// Thread rule: the thread of the loop on which it was made. At most one task receives and one sends at a
// time. Lifetime: movable; nothing may be under way when it is destroyed, which closes at once.
// Cancel-safety: every call: a cancelled receive takes nothing, a cancelled send tells how much it sent.
// Bound: `descriptors_max` a receive, as passed_message.hpp says.
#pragma once

#include <weir/async/task.hpp>
#include <weir/base/result.hpp>
#include <weir/base/transfer.hpp>
#include <weir/io/descriptor.hpp>
#include <weir/net/address.hpp>
#include <weir/net/passed_message.hpp>

#include <cstddef>
#include <span>
#include <utility>

namespace weir {

struct descriptor_stream_options {
  descriptor_stream_options() = default;

  std::size_t descriptors_max = 16; ///< that one receive may bring; at most descriptors_limit
  bool tells_credentials = false;   ///< SO_PASSCRED
};

/// The outcome of a receive: how many bytes, 0 at end of file, and what came along.
struct received_along {
  received_along() = default;

  std::size_t bytes = 0;
  passed_along along;
};

class descriptor_stream {
 public:
  descriptor_stream() = default;

  static result<std::pair<descriptor_stream, descriptor_stream>>
  pair(const descriptor_stream_options& options = descriptor_stream_options{});
  static task<result<descriptor_stream>>
  connect(address to, descriptor_stream_options options = descriptor_stream_options{});
  /// A connected unix-domain stream socket, such as async_accept gives.
  static result<descriptor_stream>
  adopt(descriptor socket, const descriptor_stream_options& options = descriptor_stream_options{});

  explicit operator bool() const noexcept { return static_cast<bool>(socket_); }

  /// At least one byte, at most `into.size()`, which must not be 0.
  task<result<received_along>> receive(std::span<std::byte> into);
  /// All of `bytes`, at least one where there are descriptors. They go with the first byte and stay the
  /// caller's.
  task<transfer> send(std::span<const std::byte> bytes, std::span<const int> descriptors = {});

  int native_handle() const noexcept { return socket_.get(); }

 private:
  descriptor socket_;
  std::size_t descriptors_max_ = 0;
};

} // namespace weir
