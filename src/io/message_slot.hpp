// message_slot: a pool slot into which recvmsg(2) or recvmmsg(2) puts one message, in the layout that the
// kernel's multishot receive uses (message_header).
#pragma once

#include <weir/io/message_operations.hpp>

#include <algorithm>
#include <cstddef>

namespace weir::message_slot {

/// Makes a receive put address, control data and bytes where they belong in `memory`.
inline void aim(msghdr& header, iovec& piece, std::byte* memory, std::size_t size_bytes,
                std::size_t control_room_bytes) noexcept {
  const std::size_t payload_offset = message_header::payload_offset(control_room_bytes);
  piece = {memory + payload_offset, size_bytes - payload_offset};
  header = msghdr{};
  header.msg_name = memory + sizeof(message_header);
  header.msg_namelen = message_header::from_room_bytes;
  header.msg_iov = &piece;
  header.msg_iovlen = 1;
  header.msg_control = control_room_bytes > 0 ? memory + payload_offset - control_room_bytes : nullptr;
  header.msg_controllen = control_room_bytes;
}

/// Notes in front of the message what the receive told of it.
inline void describe(std::byte* memory, const msghdr& told, std::size_t payload_bytes) noexcept {
  const message_header header{
      static_cast<std::uint32_t>(told.msg_namelen), static_cast<std::uint32_t>(told.msg_controllen),
      static_cast<std::uint32_t>(payload_bytes), static_cast<std::uint32_t>(told.msg_flags)};
  std::memcpy(memory, &header, sizeof header);
}

/// The completion of a message whose slot has been described.
inline completion deliver(block& slot, std::size_t control_room_bytes, std::size_t payload_bytes) noexcept {
  const std::size_t whole_bytes = message_header::payload_offset(control_room_bytes) + payload_bytes;
  return {static_cast<int>(payload_bytes), true, lease(slot, slot.data, whole_bytes)};
}

} // namespace weir::message_slot
