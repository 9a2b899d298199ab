#include "message_batch.hpp"

#include "message_slot.hpp"
#include "nonblocking_calls.hpp"

namespace weir {

message_batch::message_batch(buffer_pool& pool, std::size_t control_room_bytes, std::size_t wanted) noexcept
    : control_room_bytes_(control_room_bytes) {
  for (; offered_ < std::min(wanted, messages_max); ++offered_) {
    lease& slot = slots_[offered_] = pool.acquire();
    if (!slot.owner()) break;
    message_slot::aim(messages_[offered_].msg_hdr, pieces_[offered_], slot.writable().data(), slot.size(),
                      control_room_bytes_);
  }
}

int message_batch::receive(int socket, loop_counters& counters) noexcept {
  return nonblocking::receive(socket, std::span(messages_).first(offered_), counters);
}

completion message_batch::take(std::size_t index) noexcept {
  const mmsghdr& told = messages_[index];
  block& slot = *slots_[index].release_owner();
  message_slot::describe(slot.data, told.msg_hdr, told.msg_len);
  return message_slot::deliver(slot, control_room_bytes_, told.msg_len);
}

} // namespace weir
