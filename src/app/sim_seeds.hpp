// Takes a scenario through many seeds, up to the first that fails, and makes that one small.
#pragma once

#include <weir/sim/runner.hpp>
#include <weir/sim/shrink.hpp>

#include <cstdint>
#include <optional>

namespace weir::app {

/// Which seeds, and how.
struct sim_seeds {
  std::uint64_t first = 1;
  std::uint64_t count = 1;
  bool twice = false;
  sim::run_options options;
};

struct sim_outcome {
  explicit sim_outcome(const sim::scenario& of) noexcept : scenario(of) {}

  bool passed() const noexcept { return !failed; }

  const sim::scenario& scenario;
  sim_seeds seeds;
  sim::run_tally tally;
  double seconds = 0; ///< of real time, for all that the tally counts
  std::optional<sim::run_report> failed;
  std::optional<sim::shrunk_run> shrunk;
};

/// Tells on standard error how far it is, if that is a terminal, and which seed it was if the process breaks.
sim_outcome run_seeds(const sim::scenario& what, const sim_seeds& seeds);

} // namespace weir::app
