// weir sim: runs weir's own programs in simulated worlds, seed by seed, and tells what went wrong.
#pragma once

#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <vector>

namespace weir::app {

struct sim_options {
  bool list = false; ///< only tell which scenarios there are
  bool all = false;  ///< every scenario instead of one
  std::string scenario;
  std::optional<std::uint64_t> seed; ///< the first; 1 if none is given
  std::optional<std::uint64_t> runs; ///< as many seeds; 100 if neither is given, else 1
  bool twice = false;                ///< each seed two times, and compare
  bool fail_each = false;            ///< instead of seeds: exhaustive.hpp, as the next two
  bool cancel_each = false;
  bool every_choice = false;
  bool json = false;
  std::string timeline; ///< the file that a picture is written to; empty: none

  std::string without; ///< kinds of faults that do not happen, separated by commas

  // What a failure is run again with.
  std::string kinds; ///< of faults that may happen; empty: all, or none where faults are not the point
  std::optional<std::uint64_t> fail_at;
  std::optional<std::uint64_t> cancel_at;
  std::vector<std::uint64_t> way;
  std::uint64_t faults_max = std::numeric_limits<std::uint64_t>::max();
  std::uint64_t safety_steps = std::numeric_limits<std::uint64_t>::max();
};

/// Exit status: failure if a seed failed, usage if there is no such scenario or kind of fault.
int run_sim(const sim_options& options);

} // namespace weir::app
