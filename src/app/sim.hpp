// weir sim: runs weir's own programs in simulated worlds, seed by seed, and tells what went wrong.
#pragma once

#include <cstdint>
#include <limits>
#include <optional>
#include <string>

namespace weir::app {

struct sim_options {
  bool list = false; ///< only tell which scenarios there are
  bool all = false;  ///< every scenario instead of one
  std::string scenario;
  std::optional<std::uint64_t> seed; ///< the first; 1 if none is given
  std::optional<std::uint64_t> runs; ///< as many seeds; 100 if neither is given, else 1
  bool twice = false;                ///< each seed two times, and compare
  bool json = false;
  std::string timeline; ///< the file that a picture is written to; empty: none

  // What a shrunk failure is run again with.
  std::string kinds; ///< of faults that may happen, separated by commas; empty: all
  std::uint64_t faults_max = std::numeric_limits<std::uint64_t>::max();
  std::uint64_t safety_steps = std::numeric_limits<std::uint64_t>::max();
};

/// Exit status: failure if a seed failed, usage if there is no such scenario or kind of fault.
int run_sim(const sim_options& options);

} // namespace weir::app
