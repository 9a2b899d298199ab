// The operations on messages as awaitables. Contract: io/message_operations.hpp and operation_awaiter.hpp.
//
// All are cancel-safe: a message that was received or sent is reported. What the arguments name must stay
// valid until they end.
#pragma once

#include <weir/async/operation_awaiter.hpp>
#include <weir/io/message_operations.hpp>

#include <cstddef>
#include <span>

namespace weir {

/// What was received, beside the bytes in the caller's memory.
struct received_parts {
  std::size_t bytes;
  socklen_t from_bytes; ///< 0: the sender has no address
  /// Whoever awaited it owns the descriptors in it.
  std::span<const std::byte> control;
  bool is_truncated;
  bool is_control_truncated;
};

/// One message; on a stream socket some bytes, 0 at end of file. `from` may be null, `control` empty.
class [[nodiscard]] async_receive_message final : public operation_awaiter<receive_message_operation> {
 public:
  async_receive_message(int socket, std::span<iovec> into, sockaddr_storage* from_memory,
                        std::span<std::byte> control_memory,
                        std::source_location where = std::source_location::current()) noexcept
      : operation_awaiter(where, heeds_scope::yes, socket, &operation_awaiter::completed) {
    pieces = into;
    from = from_memory;
    control = control_memory;
  }
  result<received_parts> await_resume() const noexcept {
    if (has_failed()) return failure();
    return received_parts{static_cast<std::size_t>(value()), from_bytes(), control_data(), is_truncated(),
                          is_control_truncated()};
  }
};

/// The message: whole on a datagram socket, perhaps a part of it on a stream socket. `to` may be null where
/// the socket is connected.
class [[nodiscard]] async_send_message final : public operation_awaiter<send_message_operation> {
 public:
  async_send_message(int socket, std::span<iovec> from, const sockaddr* to, socklen_t to_bytes,
                     std::span<std::byte> control,
                     std::source_location where = std::source_location::current()) noexcept
      : operation_awaiter(where, heeds_scope::yes, socket, &operation_awaiter::completed) {
    set_pieces(from);
    set_destination(to, to_bytes);
    set_control(control);
  }
  result<std::size_t> await_resume() const noexcept {
    if (has_failed()) return failure();
    return static_cast<std::size_t>(value());
  }
};

/// How many of the messages were sent, from the first on and at least one.
class [[nodiscard]] async_send_messages final : public operation_awaiter<send_messages_operation> {
 public:
  async_send_messages(int socket, std::span<mmsghdr> messages_to_send,
                      std::source_location where = std::source_location::current()) noexcept
      : operation_awaiter(where, heeds_scope::yes, socket, messages_to_send, &operation_awaiter::completed) {}
  result<std::size_t> await_resume() const noexcept {
    if (has_failed()) return failure();
    return static_cast<std::size_t>(value());
  }
};

} // namespace weir
