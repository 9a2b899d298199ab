// scenarios: what weir itself is put through in simulated worlds, each with the rules that must hold whatever
// the world does. Every scenario is a file of its own beside this one, and its rules stand at that file's
// head.
#pragma once

#include <weir/sim/scenario.hpp>

#include <span>
#include <string_view>

namespace weir::scenarios {

extern const sim::scenario timer_wheel_model;
extern const sim::scenario nursery_tree;
extern const sim::scenario deadlines;
extern const sim::scenario channels;
extern const sim::scenario retry_budgets;
extern const sim::scenario exchange;
extern const sim::scenario streams;
extern const sim::scenario requeue;
extern const sim::scenario file_replace;
extern const sim::scenario write_ahead_log;
extern const sim::scenario blocking_work;
extern const sim::scenario happy_eyeballs;
extern const sim::scenario accept_gating;
extern const sim::scenario reconnect_storms;
extern const sim::scenario worker_drain;
extern const sim::scenario proxy;
extern const sim::scenario datagrams;
extern const sim::scenario zero_copy;
extern const sim::scenario connection_pools;
extern const sim::scenario signals;

/// All, in the order in which they are listed.
std::span<const sim::scenario* const> all() noexcept;
/// Null: there is none of that name.
const sim::scenario* find(std::string_view name) noexcept;

} // namespace weir::scenarios
