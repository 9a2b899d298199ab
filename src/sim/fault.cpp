#include <weir/sim/fault.hpp>

#include <array>

namespace weir::sim {
namespace {

struct fault_facts {
  fault kind;
  std::string_view name;
  std::uint32_t per_million_max;
};

// What is asked for at every transfer and ends a connection is rarer than what only makes it harder; what is
// asked for seldom, or once a connection or host, is more likely.
constexpr std::array<fault_facts, fault_count> facts{{
    {fault::latency_spike, "latency_spike", 50'000},
    {fault::partial_send, "partial_send", 500'000},
    {fault::partial_receive, "partial_receive", 500'000},
    {fault::reset, "reset", 20'000},
    {fault::half_close, "half_close", 10'000},
    {fault::connection_refused, "connection_refused", 300'000},
    {fault::backlog_full, "backlog_full", 300'000},
    {fault::black_hole, "black_hole", 5'000},
    {fault::partition, "partition", 200'000},
    {fault::datagram_lost, "datagram_lost", 300'000},
    {fault::datagram_doubled, "datagram_doubled", 200'000},
    {fault::datagram_reordered, "datagram_reordered", 300'000},
    {fault::torn_write, "torn_write", 1'000'000},
    {fault::short_read, "short_read", 300'000},
    {fault::no_space, "no_space", 50'000},
    {fault::disk_error, "disk_error", 50'000},
    {fault::lost_write, "lost_write", 1'000'000},
    {fault::multishot_ended, "multishot_ended", 200'000},
    {fault::ring_empty, "ring_empty", 100'000},
    {fault::queue_overflow, "queue_overflow", 50'000},
    {fault::cancel_came_late, "cancel_came_late", 500'000},
    {fault::cancel_reordered, "cancel_reordered", 500'000},
    {fault::notification_late, "notification_late", 500'000},
    {fault::completion_delayed, "completion_delayed", 300'000},
    {fault::completion_reordered, "completion_reordered", 300'000},
    {fault::spurious_wake, "spurious_wake", 200'000},
    {fault::no_descriptors, "no_descriptors", 100'000},
    {fault::no_descriptors_system, "no_descriptors_system", 50'000},
    {fault::no_buffers, "no_buffers", 20'000},
    {fault::no_memory, "no_memory", 20'000},
    {fault::interrupted, "interrupted", 100'000},
    {fault::pool_delayed, "pool_delayed", 500'000},
    {fault::pool_reordered, "pool_reordered", 500'000},
    {fault::clock_jump, "clock_jump", 300'000},
    {fault::clock_drift, "clock_drift", 500'000},
    {fault::stall, "stall", 20'000},
    {fault::host_crash, "host_crash", 200'000},
    {fault::sim_point, "sim_point", 200'000},
}};

constexpr bool are_in_order() {
  for (std::size_t i = 0; i < facts.size(); ++i)
    if (static_cast<std::size_t>(facts[i].kind) != i) return false;
  return true;
}
static_assert(are_in_order(), "a kind is missing, or not in the order of the enumeration");

} // namespace

std::string_view name_of(fault kind) noexcept {
  return facts[static_cast<std::size_t>(kind)].name;
}

std::uint32_t per_million_max(fault kind) noexcept {
  return facts[static_cast<std::size_t>(kind)].per_million_max;
}

} // namespace weir::sim
