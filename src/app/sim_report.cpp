#include "sim_report.hpp"

#include "units.hpp"

#include <weir/base/json_text.hpp>
#include <weir/base/sim_point.hpp>

#include <fmt/format.h>

#include <cmath>
#include <cstddef>
#include <string_view>
#include <utility>

namespace weir::app {
namespace {

constexpr std::string_view bad_style = "\x1b[31m", good_style = "\x1b[32m", end_style = "\x1b[0m";

std::string styled(bool colour, std::string_view style, std::string_view text) {
  return colour ? fmt::format("{}{}{}", style, text, end_style) : std::string(text);
}

std::uint64_t a_second(std::uint64_t count, double seconds) {
  return seconds > 0 ? static_cast<std::uint64_t>(std::llround(static_cast<double>(count) / seconds)) : 0;
}

std::string hash_text(std::uint64_t hash) {
  return fmt::format("{:016x}", hash);
}

/// A build without probability points cannot take any.
bool can_happen(std::size_t kind) {
  return has_sim_points || static_cast<sim::fault>(kind) != sim::fault::sim_point;
}

/// "reset,partial_send"
std::string names_of(const sim::fault_set& kinds) {
  std::string names;
  for (std::size_t i = 0; i < sim::fault_count; ++i) {
    if (!kinds.test(i)) continue;
    if (!names.empty()) names += ",";
    names += name_of(static_cast<sim::fault>(i));
  }
  return names.empty() ? "none" : names;
}

/// The command that shows a failure again, without all that it does not need.
std::string again(const sim_outcome& outcome) {
  if (!outcome.shrunk) {
    const sim::fault_set& kinds = outcome.seeds.options.kinds;
    const std::string only = kinds.all() ? "" : fmt::format(" --only {}", names_of(kinds));
    return fmt::format("weir sim {} --seed {} {}{}", outcome.scenario.name, outcome.failed->seed,
                       outcome.place, only);
  }
  const sim::run_options& small = outcome.shrunk->options;
  return fmt::format("weir sim {} --seed {} --only {} --faults-max {} --safety-steps {}",
                     outcome.scenario.name, outcome.failed->seed, names_of(small.kinds),
                     small.fault_events_max, small.safety_steps_max);
}

std::string failure_text(const sim_outcome& outcome, bool colour) {
  const sim::run_report& failed = *outcome.failed;
  const sim::run_report& small = outcome.shrunk ? outcome.shrunk->report : failed;
  std::string text = styled(colour, bad_style, fmt::format("  seed {}: {}", failed.seed, failed.failure));
  if (outcome.shrunk)
    text += fmt::format("\n  weir sim {} --seed {}\n  made small in {} runs: {}", outcome.scenario.name,
                        failed.seed, outcome.shrunk->runs, small.failure);
  text += fmt::format("\n  {}\n", again(outcome));
  text += fmt::format("  its last {} events:\n", small.last.size());
  for (const sim::trace_record& each : small.last) text += fmt::format("    {}\n", describe(each));
  return text;
}

void add_faults(json_text& text, const sim::fault_plan::counts_type& faults) {
  text.open_object("faults");
  for (std::size_t i = 0; i < sim::fault_count; ++i)
    if (can_happen(i)) text.add(name_of(static_cast<sim::fault>(i)), faults[i]);
  text.close();
  text.open_array("never");
  for (std::size_t i = 0; i < sim::fault_count; ++i)
    if (faults[i] == 0 && can_happen(i)) text.add_element(name_of(static_cast<sim::fault>(i)));
  text.close();
}

void add_last_events(json_text& text, const sim::run_report& of) {
  text.open_array("last_events");
  for (const sim::trace_record& each : of.last) text.add_element(describe(each));
  text.close();
}

void add_failure(json_text& text, const sim_outcome& outcome) {
  text.open_object("failure");
  text.add("seed", outcome.failed->seed);
  text.add("reason", outcome.failed->failure);
  text.add("trace_hash", hash_text(outcome.failed->trace_hash));
  if (outcome.shrunk) {
    text.open_object("shrunk");
    text.add("reason", outcome.shrunk->report.failure);
    text.add("runs", outcome.shrunk->runs);
    text.add("command", again(outcome));
    add_last_events(text, outcome.shrunk->report);
    text.close();
  } else {
    text.add("command", again(outcome));
    add_last_events(text, *outcome.failed);
  }
  text.close();
}

/// "3 of 10 seeds from 1 on", "seed 1, a fault at each of 812 questions"
std::string what_was_tried(const sim_outcome& outcome) {
  const sim_seeds& seeds = outcome.seeds;
  const std::uint64_t runs = outcome.tally.runs;
  if (seeds.method == sim_method::seeds)
    return fmt::format("{} of {} seeds from {} on", format_count(runs - (outcome.passed() ? 0 : 1)),
                       format_count(seeds.count), seeds.first);
  if (seeds.method == sim_method::every_choice)
    return fmt::format("seed {}, all ways through {} {} choices in {} runs", seeds.first,
                       outcome.is_complete ? "all" : "the first", format_count(outcome.places),
                       format_count(runs));
  const std::string tried = fmt::format("{} of {}", format_count(runs - 1), format_count(outcome.places));
  if (seeds.method == sim_method::fail_each)
    return fmt::format("seed {}, a fault at {} questions", seeds.first, tried);
  return fmt::format("seed {}, cancelled at {} suspensions", seeds.first, tried);
}

} // namespace

std::string sim_text(const sim_outcome& outcome, bool colour) {
  const sim::run_tally& tally = outcome.tally;
  const std::string verdict =
      styled(colour, outcome.passed() ? good_style : bad_style, outcome.passed() ? "passed" : "FAILED");
  std::string text = fmt::format("{}: {}, {}\n", outcome.scenario.name, verdict, what_was_tried(outcome));
  text += fmt::format("  {} runs/s, {} events/s, {} steps/s, {:.0f} s of virtual time in {:.1f} s\n",
                      format_count(a_second(tally.runs, outcome.seconds)),
                      format_count(a_second(tally.events, outcome.seconds)),
                      format_count(a_second(tally.steps, outcome.seconds)),
                      static_cast<double>(tally.virtual_ns) / 1e9, outcome.seconds);
  text += fmt::format("  trace_hash {}\n", hash_text(tally.trace_hash));
  if (!outcome.passed()) text += failure_text(outcome, colour);
  return text;
}

std::string sim_coverage_text(const sim::fault_plan::counts_type& faults, bool colour) {
  std::string text = "faults that happened:\n";
  std::string never, line = "  NEVER:";
  for (std::size_t i = 0; i < sim::fault_count; ++i) {
    const std::string_view name = name_of(static_cast<sim::fault>(i));
    if (faults[i] > 0) {
      text += fmt::format("  {:<24}{:>14}\n", name, format_count(faults[i]));
    } else if (can_happen(i)) {
      if (line.size() + name.size() > 100) never += std::exchange(line, "        ") + "\n";
      line += fmt::format(" {}", name);
    }
  }
  never += line + "\n";
  const bool is_complete = never == "  NEVER:\n";
  return is_complete ? text : text + styled(colour, bad_style, never);
}

std::string sim_json(const sim_outcome& outcome) {
  const sim::run_tally& tally = outcome.tally;
  json_text text(json_text::layout::line);
  text.add("scenario", outcome.scenario.name);
  text.add("seed", outcome.seeds.first);
  text.add("runs", tally.runs);
  text.add("passed", outcome.passed());
  if (outcome.seeds.method != sim_method::seeds) {
    text.add("places", outcome.places);
    text.add("complete", outcome.is_complete);
  }
  text.add("trace_hash", hash_text(tally.trace_hash));
  text.add("events", tally.events);
  text.add("steps", tally.steps);
  text.add("virtual_ns", tally.virtual_ns);
  text.add("runs_per_second", a_second(tally.runs, outcome.seconds));
  text.add("events_per_second", a_second(tally.events, outcome.seconds));
  add_faults(text, tally.faults);
  if (!outcome.passed()) add_failure(text, outcome);
  return std::move(text).finish() + "\n";
}

} // namespace weir::app
