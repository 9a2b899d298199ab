#include <weir/sim/testing.hpp>

#include <algorithm>
#include <memory>
#include <utility>

namespace weir::sim {
namespace {

/// What `begin_trial` calls: a scenario is constant data, and has no room for a function with captures.
thread_local const std::function<void(trial&)>* current_description = nullptr;

std::unique_ptr<scenario_run> begin_trial(world& in) {
  auto made = std::make_unique<trial>(in);
  (*current_description)(*made);
  return made;
}

} // namespace

host& trial::run_on(std::string_view name, host::program what) {
  host& on = serve_on(name, std::move(what));
  must_end_.push_back(&on);
  return on;
}

host& trial::serve_on(std::string_view name, host::program what) {
  host& on = add_host(name);
  on.start(std::move(what));
  return on;
}

bool trial::is_done() const {
  (void)hosts_run::is_done(); // which looks for what programs have thrown
  return std::ranges::all_of(must_end_,
                             [](const host* each) { return each->is_up() && each->have_programs_ended(); });
}

trial_outcome try_seeds(std::uint64_t count, const std::function<void(trial&)>& describe,
                        const trial_options& options) {
  const auto* const before = std::exchange(current_description, &describe);
  scenario what{"trial", "what its author says", begin_trial};
  what.safety_ns = options.safety_ns;
  what.liveness_ns = options.liveness_ns;
  trial_outcome outcome;
  for (std::uint64_t i = 0; i < count && outcome.passed(); ++i) {
    run_report report = run_seed(what, options.first_seed + i, options.run);
    outcome.tally.add(report);
    if (!report.passed()) outcome.failed = std::move(report);
  }
  if (outcome.failed) outcome.shrunk = shrink(what, *outcome.failed);
  current_description = before;
  return outcome;
}

std::string trial_outcome::text() const {
  if (passed()) return std::to_string(tally.runs) + " seeds passed";
  std::string text =
      "seed " + std::to_string(failed->seed) + ": " + failed->failure + "\nneeds no more than:";
  for (std::size_t i = 0; i < fault_count; ++i)
    if (shrunk->report.faults[i] > 0)
      text +=
          " " + std::string(name_of(static_cast<fault>(i))) + " x" + std::to_string(shrunk->report.faults[i]);
  text += "\n";
  for (const trace_record& each : shrunk->report.last) text += weir::sim::describe(each) + "\n";
  return text;
}

} // namespace weir::sim
