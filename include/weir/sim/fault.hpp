// fault: every kind of misfortune that a simulated world can bring. Each is something that a kernel, a
// network, a disk or a clock really does; none is an outcome that code above would be right to call
// impossible.
//
// A value; tables are constant.
#pragma once

#include <bitset>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace weir::sim {

enum class fault : std::uint8_t {
  // Streams.
  latency_spike,      ///< a segment takes many times as long as usual
  partial_send,       ///< the kernel takes fewer bytes than it has room for
  partial_receive,    ///< a read gives fewer bytes than have arrived
  reset,              ///< the connection is reset, at any byte
  half_close,         ///< the peer's side ends early, behind the bytes that are on their way
  connection_refused, ///< nobody listens
  backlog_full,       ///< the queue of the listener overflows
  black_hole,         ///< a connection goes silent and stays so
  partition,          ///< two hosts no longer hear each other
  // Datagrams.
  datagram_lost,
  datagram_doubled,
  datagram_reordered,
  // Files.
  torn_write, ///< a crash leaves some sectors of a write
  short_read,
  no_space,   ///< ENOSPC
  disk_error, ///< EIO
  lost_write, ///< acknowledged, and gone before it was synced
  // Completions.
  multishot_ended,   ///< a multishot operation ends though nothing went wrong
  ring_empty,        ///< no provided buffer is left
  queue_overflow,    ///< completions stay with the kernel for a while
  cancel_came_late,  ///< the operation completes though it was cancelled
  cancel_reordered,  ///< the completion of a cancellation comes before, or long before, that of its operation
  notification_late, ///< of a zero-copy send: long after its result
  completion_delayed, ///< an operation that could complete takes some turns more
  completion_reordered,
  spurious_wake, ///< a wait ends and nothing has happened
  // Limits.
  no_descriptors,        ///< EMFILE: of the process
  no_descriptors_system, ///< ENFILE: of the system
  no_buffers,            ///< ENOBUFS
  no_memory,             ///< ENOMEM
  interrupted,           ///< EINTR
  // The blocking pool.
  pool_delayed,
  pool_reordered,
  // Time and hosts.
  clock_jump,  ///< the wall clock steps, forwards or backwards
  clock_drift, ///< a host's clocks run at a rate of their own
  stall,       ///< a host does not get the processor for a while
  host_crash,
  // A probability point inside weir's own code (weir/base/sim_point.hpp).
  sim_point,
};

inline constexpr std::size_t fault_count = static_cast<std::size_t>(fault::sim_point) + 1;

/// A set of kinds.
using fault_set = std::bitset<fault_count>;

/// "partial_send"
std::string_view name_of(fault kind) noexcept;

/// How likely it is made at most, each time that it is asked for. A seed draws that or much less.
std::uint32_t per_million_max(fault kind) noexcept;

} // namespace weir::sim
