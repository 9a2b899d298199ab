#include "sim.hpp"

#include "exit_code.hpp"
#include "scenarios/scenarios.hpp"
#include "sim_report.hpp"
#include "sim_seeds.hpp"
#include "terminal.hpp"

#include <weir/sim/timeline.hpp>

#include <fmt/format.h>
#include <unistd.h>

#include <cstdio>
#include <fstream>
#include <string_view>
#include <vector>

namespace weir::app {
namespace {

int list_scenarios() {
  std::string text;
  for (const sim::scenario* each : scenarios::all())
    text += fmt::format("{:<24} {}\n", each->name, each->checks);
  return print(text) ? exit_success : exit_failure;
}

/// Sets the kinds whose names these are. False: a name that is none.
bool parse_kinds(const char* option, std::string_view names, sim::fault_set& kinds) {
  if (names == "none") return true;
  while (!names.empty()) {
    const std::string_view name = names.substr(0, names.find(','));
    names.remove_prefix(std::min(name.size() + 1, names.size()));
    std::size_t kind = 0;
    while (kind < sim::fault_count && name_of(static_cast<sim::fault>(kind)) != name) ++kind;
    if (kind == sim::fault_count) {
      fmt::print(stderr, "weir sim: {}: '{}' is no kind of fault; a run without --json names them\n", option,
                 name);
      return false;
    }
    kinds.set(kind);
  }
  return true;
}

/// Where faults are not what is tried none happen, unless they are asked for.
bool choose_kinds(const sim_options& options, sim::fault_set& kinds) {
  const bool is_of_faults =
      !options.cancel_each && !options.every_choice && !options.cancel_at && options.way.empty();
  sim::fault_set wanted, unwanted;
  if (options.kinds.empty() && is_of_faults) wanted.set();
  if (!parse_kinds("--only", options.kinds, wanted)) return false;
  if (!parse_kinds("--without", options.without, unwanted)) return false;
  kinds = wanted & ~unwanted;
  return true;
}

sim_method method_of(const sim_options& options) {
  if (options.fail_each) return sim_method::fail_each;
  if (options.cancel_each) return sim_method::cancel_each;
  return options.every_choice ? sim_method::every_choice : sim_method::seeds;
}

sim_seeds seeds_of(const sim_options& options) {
  sim_seeds seeds;
  seeds.method = method_of(options);
  const std::uint64_t runs = seeds.method != sim_method::seeds ? 10'000 : options.seed ? 1 : 100;
  const bool is_one_place = options.fail_at || options.cancel_at || !options.way.empty();
  seeds.first = options.seed.value_or(1);
  seeds.count = options.runs.value_or(is_one_place ? 1 : runs);
  seeds.twice = options.twice;
  seeds.options.fault_events_max = options.faults_max;
  seeds.options.safety_steps_max = options.safety_steps;
  seeds.options.fail_at = options.fail_at;
  seeds.options.cancel_at = options.cancel_at;
  if (!options.way.empty()) seeds.options.way = options.way;
  return seeds;
}

/// Of the failure, made small; of the last seed, if none failed.
bool write_timeline(const std::string& path, const sim_outcome& outcome) {
  std::vector<sim::trace_record> events;
  sim::run_options options = outcome.shrunk ? outcome.shrunk->options : outcome.seeds.options;
  options.all_events = &events;
  const std::uint64_t seed =
      outcome.failed ? outcome.failed->seed : outcome.seeds.first + outcome.seeds.count - 1;
  const sim::run_report report = sim::run_seed(outcome.scenario, seed, options);
  const std::string title = fmt::format("{}, seed {}", outcome.scenario.name, seed);
  std::ofstream file(path, std::ios::binary);
  file << sim::timeline_svg(title, report, events) << std::flush;
  if (!file) fmt::print(stderr, "weir sim: {}: cannot be written\n", path);
  return file.good();
}

class session {
 public:
  explicit session(const sim_options& options) : options_(options), colour_(wants_colour(STDOUT_FILENO)) {}

  bool run(const sim::scenario& what, const sim_seeds& seeds) {
    const sim_outcome outcome = run_seeds(what, seeds);
    for (std::size_t i = 0; i < sim::fault_count; ++i) faults_[i] += outcome.tally.faults[i];
    bool is_written = print(options_.json ? sim_json(outcome) : sim_text(outcome, colour_));
    const bool wants_picture = !options_.timeline.empty() && (!options_.all || !outcome.passed());
    if (wants_picture) is_written &= write_timeline(options_.timeline, outcome);
    return outcome.passed() && is_written;
  }

  bool conclude(const sim::fault_set& kinds) const {
    return options_.json || kinds.none() || print(sim_coverage_text(faults_, colour_));
  }

 private:
  const sim_options& options_;
  bool colour_;
  sim::fault_plan::counts_type faults_{};
};

} // namespace

int run_sim(const sim_options& options) {
  if (options.list) return list_scenarios();
  sim_seeds seeds = seeds_of(options);
  if (!choose_kinds(options, seeds.options.kinds)) return exit_usage;
  std::vector<const sim::scenario*> chosen(scenarios::all().begin(), scenarios::all().end());
  if (!options.all) chosen = {scenarios::find(options.scenario)};
  if (!chosen.front()) {
    fmt::print(stderr, "weir sim: no scenario '{}'; weir sim --list tells which there are\n",
               options.scenario);
    return exit_usage;
  }
  session here(options);
  bool all_passed = true;
  for (const sim::scenario* each : chosen) all_passed &= here.run(*each, seeds);
  return here.conclude(seeds.options.kinds) && all_passed ? exit_success : exit_failure;
}

} // namespace weir::app
