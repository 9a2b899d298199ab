// Operations on messages: datagrams, and whatever else has an address or control data beside its bytes
// (recvmsg(2), sendmsg(2), cmsg(3)). The contract is that of every operation (docs/operations.md).
//
// Boundaries: a message is received whole, or cut at the end of its memory and marked as truncated, and sent
// whole or not at all. A message without bytes is a message: on a datagram socket 0 is not the end of file.
// Descriptors: whoever handles the completion owns those in its control data (SCM_RIGHTS), cancelled or not;
// all are close-on-exec. Errors: one of the network that an earlier message has met (ECONNREFUSED on a
// connected socket) ends the operation; the socket goes on, and the operation may be started anew.
// Bound: a message that receive_message_many delivers has at most one slot of the pool.
#pragma once

#include <weir/io/operation.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>

namespace weir {

/// One message into memory of the caller; the result is its bytes. On a stream socket 0 is the end of file.
class receive_message_operation : public operation {
 public:
  receive_message_operation(int socket, handler on_completion) noexcept
      : operation(operation_kind::receive_message, socket, on_completion) {}

  std::span<iovec> pieces;          ///< where the bytes go; at most IOV_MAX (1024)
  sockaddr_storage* from = nullptr; ///< where the sender's address goes; null: not wanted
  std::span<std::byte> control;     ///< where control data goes, aligned as a cmsghdr; may be empty

  // What the completion told beside its result.
  socklen_t from_bytes() const noexcept { return header.msg_namelen; } ///< 0: the sender has no address
  std::span<const std::byte> control_data() const noexcept { return control.first(header.msg_controllen); }
  bool is_truncated() const noexcept { return (header.msg_flags & MSG_TRUNC) != 0; }
  bool is_control_truncated() const noexcept { return (header.msg_flags & MSG_CTRUNC) != 0; }

  /// Of the backend, for each start: the header from the members above.
  void fill_header() noexcept {
    header = msghdr{};
    header.msg_name = from;
    header.msg_namelen = from ? sizeof(sockaddr_storage) : 0;
    header.msg_iov = pieces.data();
    header.msg_iovlen = pieces.size();
    header.msg_control = control.empty() ? nullptr : control.data();
    header.msg_controllen = control.size();
  }
  msghdr header{};
};

/// One message; the result is its bytes. Where it has an address of a unix-domain socket whose queue is full,
/// it fails with -EAGAIN: nothing of the sending socket tells when there is room (unix(7)).
class send_message_operation : public operation {
 public:
  send_message_operation(int socket, handler on_completion) noexcept
      : operation(operation_kind::send_message, socket, on_completion) {}

  // What is named stays valid until the completion.
  void set_pieces(std::span<iovec> pieces) noexcept {
    assert(is_idle() && pieces.size() <= 1024);
    header.msg_iov = pieces.data();
    header.msg_iovlen = pieces.size();
  }
  /// Null: to whom the socket is connected.
  void set_destination(const sockaddr* to, socklen_t to_bytes) noexcept {
    header.msg_name = const_cast<sockaddr*>(to); // sendmsg(2) only reads it
    header.msg_namelen = to ? to_bytes : 0;
  }
  void set_control(std::span<std::byte> control) noexcept {
    header.msg_control = control.empty() ? nullptr : control.data();
    header.msg_controllen = control.size();
  }

  msghdr header{};
};

/// Several messages by one call (sendmmsg(2)); the result is how many of them were sent, from the first on
/// and at least one. An error is that of the first; one that a later message meets is reported for it when it
/// is the first. -EAGAIN: as of send_message.
class send_messages_operation : public operation {
 public:
  send_messages_operation(int socket, std::span<mmsghdr> to_send, handler on_completion) noexcept
      : operation(operation_kind::send_messages, socket, on_completion), messages(to_send) {}

  std::span<mmsghdr> messages; ///< at least one, at most 1024; stays valid until the completion
};

/// Messages until cancelled, each in a slot of the pool: address, control data and bytes in one lease, which
/// a `message_view` tells apart. The final completion is an error or -ECANCELED. Datagram sockets only:
/// -EPROTOTYPE on others, whose end of file is a message without bytes.
class receive_message_many_operation : public operation {
 public:
  /// `control_memory`: as large as the control data of one message may be, a multiple of 8, aligned so. The
  /// operation uses it until its final completion.
  receive_message_many_operation(int socket, std::span<std::byte> control_memory,
                                 handler on_completion) noexcept
      : operation(operation_kind::receive_message_many, socket, on_completion), control(control_memory) {
    assert(control.size() % 8 == 0);
  }

  std::span<std::byte> control;

  // Of the backend, where the kernel does not put all into the slot.
  sockaddr_storage from;
  iovec piece;
  msghdr header;
};

/// How a slot holds a message: this, room for an address, room for control data, the bytes. It is the layout
/// of the kernel's multishot recvmsg (io_uring_recvmsg_out, io_uring_prep_recvmsg_multishot(3)).
struct message_header {
  std::uint32_t from_bytes;
  std::uint32_t control_bytes;
  std::uint32_t payload_bytes;
  std::uint32_t flags; ///< MSG_TRUNC, MSG_CTRUNC

  static constexpr std::size_t from_room_bytes = sizeof(sockaddr_storage);
  /// Where the bytes of the message begin.
  static constexpr std::size_t payload_offset(std::size_t control_room_bytes) noexcept {
    return sizeof(message_header) + from_room_bytes + control_room_bytes;
  }
};

/// The parts of what receive_message_many delivered. Points into its lease, which must live as long.
class message_view {
 public:
  /// `control_room_bytes`: the size of the operation's control memory.
  message_view(std::span<const std::byte> delivered, std::size_t control_room_bytes) noexcept
      : bytes_(delivered), payload_offset_(message_header::payload_offset(control_room_bytes)) {
    assert(bytes_.size() >= payload_offset_);
    std::memcpy(&header_, bytes_.data(), sizeof header_);
  }

  const sockaddr* from() const noexcept {
    return reinterpret_cast<const sockaddr*>(bytes_.data() + sizeof(message_header));
  }
  /// 0: the sender has no address.
  socklen_t from_bytes() const noexcept {
    return static_cast<socklen_t>(std::min<std::size_t>(header_.from_bytes, message_header::from_room_bytes));
  }
  std::span<const std::byte> control() const noexcept {
    const std::size_t begin = sizeof(message_header) + message_header::from_room_bytes;
    return bytes_.subspan(begin, std::min<std::size_t>(header_.control_bytes, payload_offset_ - begin));
  }
  std::size_t payload_offset() const noexcept { return payload_offset_; }
  std::span<const std::byte> payload() const noexcept { return bytes_.subspan(payload_offset_); }
  bool is_truncated() const noexcept { return (header_.flags & MSG_TRUNC) != 0; }
  bool is_control_truncated() const noexcept { return (header_.flags & MSG_CTRUNC) != 0; }

 private:
  std::span<const std::byte> bytes_;
  std::size_t payload_offset_;
  message_header header_;
};

} // namespace weir
