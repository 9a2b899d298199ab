#include <weir/runtime/limits.hpp>

#include <algorithm>

namespace weir {

void limits::apply_to(loop_options& one) const {
  one.buffers.budget_bytes = receive_bytes_max;
  one.send_buffers.budget_bytes = send_bytes_max;
  one.stream_credit_bytes = stream_credit_bytes;
  one.stream_send_bytes = stream_send_bytes;
  one.io.operations_max = operations_max;
  one.inbox_max = inbox_max;
}

void limits::apply_to(loop_group_options& loops, server_options& serving) const {
  apply_to(loops.loop);
  loops.calls_max = calls_max;
  serving.gate.connections_max = connections_max;
  serving.gate.descriptors_reserve = descriptors_reserve;
  serving.handover_max = handover_max;
}

std::size_t limits::memory_max_bytes(unsigned loops) const noexcept {
  // A writer that finds room below its mark fills a whole chunk, also where the pool has none left.
  const std::size_t chunk_bytes = loop_options().send_buffers.slot_bytes;
  const std::size_t unsent_bytes = connections_max * (stream_send_bytes + chunk_bytes);
  return loops * (receive_bytes_max + send_bytes_max) + unsent_bytes +
         connections_max * idle_connection_bytes;
}

} // namespace weir
