// limits: the bounds of a server process in one struct, and what they add up to. docs/limits.md lists every
// default of the library.
//
//   limits bounds;
//   bounds.connections_max = 2'000;
//   loop_group_options loops(4);
//   server_options serving;
//   bounds.apply_to(loops, serving);
//
// `memory_max_bytes` is the ceiling of what connections can make the process hold, whatever they do: receive
// memory and send memory of all loops, what is unsent of each connection where the send memory is used up,
// and what a connection takes when it is idle. Not counted: what handlers allocate for themselves, threads'
// stacks, and the memory of the kernel. A value; belongs to no thread.
#pragma once

#include <weir/runtime/loop_group.hpp>
#include <weir/runtime/server.hpp>

#include <cstddef>
#include <cstdint>

namespace weir {

struct limits {
  std::size_t connections_max = gate_options().connections_max; ///< of all loops together
  std::size_t descriptors_reserve = gate_options().descriptors_reserve;
  std::size_t receive_bytes_max = loop_options().buffers.budget_bytes;   ///< of all streams of a loop
  std::size_t send_bytes_max = loop_options().send_buffers.budget_bytes; ///< the same
  std::size_t stream_credit_bytes = loop_options().stream_credit_bytes;
  std::size_t stream_send_bytes = loop_options().stream_send_bytes;
  std::size_t idle_connection_bytes =
      2048; ///< with a small handler; bench/scenarios/idle_connections measures it
  std::uint32_t operations_max = loop_options().io.operations_max; ///< of a loop
  std::size_t inbox_max = loop_options().inbox_max;                ///< of a loop
  std::size_t calls_max = loop_group_options().calls_max;          ///< of a loop
  std::size_t handover_max = server_options().handover_max;        ///< to a loop

  void apply_to(loop_options& one) const;
  void apply_to(loop_group_options& loops, server_options& serving) const;

  std::size_t memory_max_bytes(unsigned loops) const noexcept;
};

} // namespace weir
