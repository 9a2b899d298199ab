#include "scenarios.hpp"

#include <array>

namespace weir::scenarios {
namespace {

constexpr std::array table{&timer_wheel_model, &nursery_tree,     &deadlines,        &channels,
                           &retry_budgets,     &exchange,         &streams,          &requeue,
                           &file_replace,      &write_ahead_log,  &blocking_work,    &happy_eyeballs,
                           &accept_gating,     &reconnect_storms, &worker_drain,     &proxy,
                           &datagrams,         &zero_copy,        &connection_pools, &signals};

} // namespace

std::span<const sim::scenario* const> all() noexcept {
  return table;
}

const sim::scenario* find(std::string_view name) noexcept {
  for (const sim::scenario* each : table)
    if (each->name == name) return each;
  return nullptr;
}

} // namespace weir::scenarios
