// Messages on a reactor: the receive of one, and batches of them by recvmmsg(2). The batch grows while it
// comes back full and shrinks when it does not, or when it brought more bytes than the quantum.
#include "descriptor_table.hpp"
#include "message_batch.hpp"
#include "nonblocking_calls.hpp"

#include <weir/io/reactive_proactor.hpp>

#include <algorithm>

namespace weir {

/// Both return the bytes received, at least 1 for a message, and 0 when there is no point in trying again.
std::size_t reactive_proactor::receive_message(descriptor_state& on, operation& op) noexcept {
  const int count = nonblocking::receive(static_cast<receive_message_operation&>(op), counters_);
  if (count == nonblocking::would_block) return 0;
  on.readers.pop_front();
  complete_on(on, op, count);
  return static_cast<std::size_t>(std::max(count, 0));
}

std::size_t reactive_proactor::receive_messages(descriptor_state& on, operation& op) noexcept {
  std::size_t wanted = strategy_ == receive_strategy::adaptive ? on.burst_slots : 1;
  while (wanted > 0 && !has_room(wanted)) wanted /= 2;
  if (wanted == 0) return 0; // reported again when there is room

  const auto& receive = static_cast<const receive_message_many_operation&>(op);
  message_batch batch(pool_, receive.control.size(), wanted);
  if (batch.offered() == 0) {
    wait_for_slots(on, op);
    return 0;
  }
  const int count = batch.receive(on.number, counters_);
  if (count == nonblocking::would_block) return 0;
  if (count < 0) {
    on.readers.pop_front();
    complete_on(on, op, count);
    return 0;
  }

  std::size_t bytes = 0;
  for (std::size_t i = 0; i < static_cast<std::size_t>(count); ++i) {
    completion message = batch.take(i);
    bytes += static_cast<std::size_t>(message.result);
    completed_.push(op, std::move(message));
  }
  const bool is_full = static_cast<std::size_t>(count) == batch.offered();
  const bool grows = is_full && bytes <= quantum_bytes_ / 2;
  const std::size_t next = grows ? wanted * 2 : std::max<std::size_t>(wanted / 2, 1);
  on.burst_slots = static_cast<std::uint8_t>(std::min(next, message_batch::messages_max));
  return std::max<std::size_t>(bytes, 1);
}

} // namespace weir
