// Takes a scenario through many seeds, or one seed through all places of one kind, up to the first run that
// fails; a seed that does is made small.
#pragma once

#include <weir/sim/runner.hpp>
#include <weir/sim/shrink.hpp>

#include <cstdint>
#include <optional>
#include <string>

namespace weir::app {

/// Seed after seed, or what exhaustive.hpp offers.
enum class sim_method : std::uint8_t { seeds, fail_each, cancel_each, every_choice };

/// Which seeds, and how.
struct sim_seeds {
  sim_method method = sim_method::seeds;
  std::uint64_t first = 1; ///< and the only one, of all methods but the first
  std::uint64_t count = 1; ///< of runs at most
  bool twice = false;
  sim::run_options options;
};

struct sim_outcome {
  explicit sim_outcome(const sim::scenario& of) noexcept : scenario(of) {}

  bool passed() const noexcept { return !failed; }

  const sim::scenario& scenario;
  sim_seeds seeds;
  sim::run_tally tally;
  double seconds = 0;       ///< of real time, for all that the tally counts
  std::uint64_t places = 0; ///< exhaustive_report
  bool is_complete = false;
  std::optional<sim::run_report> failed;
  std::string place;                     ///< of `failed`, where one is chosen: the option that names it
  std::optional<sim::shrunk_run> shrunk; ///< only where none is
};

/// Tells on standard error how far it is, if that is a terminal, and which seed it was if the process breaks.
sim_outcome run_seeds(const sim::scenario& what, const sim_seeds& seeds);

} // namespace weir::app
