#include "ways.hpp"

#include <weir/async/frame_pool.hpp>
#include <weir/base/sim_point.hpp>
#include <weir/sim/host.hpp>
#include <weir/sim/runner.hpp>

#include <algorithm>
#include <exception>
#include <memory>
#include <string_view>
#include <vector>

namespace weir::sim {
namespace {

/// Asks the fault plan at weir's own points. With `one_by_one` a turn does as little as it can, so that
/// programs are seen between any two of their steps.
class point_chooser final : public sim_point_hook {
 public:
  point_chooser(world& in, bool one_by_one) noexcept
      : world_(in), one_by_one_(one_by_one), before_(exchange_sim_point_hook(this)) {}
  ~point_chooser() { exchange_sim_point_hook(before_); }
  bool takes(const char* point) noexcept override {
    if (one_by_one_ && std::string_view(point) == "loop.phase_ends_early") return true;
    return world_.faults().happens(fault::sim_point);
  }

 private:
  world& world_;
  bool one_by_one_;
  sim_point_hook* before_;
};

world_options asking(random_source::chooser* whom) noexcept {
  world_options made;
  made.chooser = whom;
  return made;
}

/// One seed on its way.
class passage {
 public:
  passage(const scenario& what, std::uint64_t seed, const run_options& options)
      : scenario_(what), options_(options), way_(options.way.value_or(std::vector<std::uint64_t>())),
        chooser_(options.way ? &way_ : options.chooser), world_(seed, asking(chooser_)),
        points_(world_, options.cancel_at.has_value()) {
    plan_faults();
    world_.hold_when_cancelled(what.holds_when_cancelled);
    if (options.cancel_at) world_.cancel_at(*options.cancel_at);
    if (options.all_events) world_.log().keep_in(options.all_events);
    report_.seed = seed;
  }

  run_report take() {
    try {
      run_phases();
    } catch (const std::exception& thrown) {
      fail(std::string("an exception came out of it: ") + thrown.what());
    }
    conclude();
    return std::move(report_);
  }

 private:
  enum phase : std::uint8_t { safety, liveness, the_end };

  void plan_faults() {
    fault_plan& faults = world_.faults();
    faults.events_max(options_.fault_events_max);
    if (chooser_)
      faults.ask(*chooser_, options_.kinds);
    else if (options_.fail_at)
      faults.only_at(*options_.fail_at, options_.kinds);
    else
      faults.limit_to(options_.kinds);
  }

  void run_phases() {
    enter(safety);
    run_ = scenario_.begin(world_);
    advance(scenario_.safety_ns, options_.safety_steps_max);
    report_.safety_steps = world_.steps();
    if (is_accused()) return;
    world_.faults().stop();
    enter(liveness);
    run_->faults_stopped();
    advance(scenario_.liveness_ns, scenario_.steps_max);
    if (is_accused()) return;
    enter(the_end);
    if (world_.has_cancelled()) return end_programs();
    if (run_->is_done())
      run_->check_end();
    else
      fail("not done when time was up, though faults had stopped: " + run_->missing());
  }

  /// One was asked to end. All have to, in time, and leave nothing behind.
  void end_programs() {
    const auto are_quiet = [this] {
      if (is_accused()) return true;
      for (const auto& each : world_.hosts())
        each->ask_programs_to_end(); // those too that have started since
      return std::ranges::all_of(world_.hosts(), [](const auto& each) { return each->is_quiet(); });
    };
    if (!world_.run_until(are_quiet, world_.now_ns() + scenario_.liveness_ns))
      return fail("asked to end, but: " + run_->missing());
    const bool is_done = run_->is_done(); // which accuses those that have thrown
    if (is_done && world_.is_demanding() && !is_accused()) run_->check_end();
    if (world_.has_open_descriptors())
      fail("all programs have ended when they were asked to, and a descriptor is open still");
  }

  void enter(phase next) { world_.log().note(event::phase, 0, 0, next); }
  bool is_accused() const noexcept { return !world_.accusation().empty(); }

  void advance(std::uint64_t for_ns, std::uint64_t steps_max) {
    const std::uint64_t most = std::min(steps_max, scenario_.steps_max);
    const auto is_over = [&] {
      return is_accused() || world_.has_cancelled() || world_.steps() >= most || run_->is_done();
    };
    world_.run_until(is_over, world_.now_ns() + for_ns);
  }

  void fail(std::string why) {
    if (report_.passed()) report_.failure = std::move(why);
  }

  void conclude() {
    if (is_accused()) report_.failure = world_.accusation();
    const trace& log = world_.log();
    report_.trace_hash = log.hash();
    report_.events = log.events();
    report_.steps = world_.steps();
    report_.virtual_ns = world_.now_ns();
    report_.questions = world_.faults().questions();
    report_.suspensions = world_.suspensions();
    report_.faults = world_.faults().counts();
    for (const auto& each : world_.hosts()) report_.hosts.emplace_back(each->name());
    if (!report_.passed()) report_.last = log.last();
    world_.log().keep_in(nullptr);
    unwind();
  }

  /// Programs that have not ended refer to the run: they go first.
  void unwind() {
    for (const auto& each : world_.hosts())
      if (each->is_up()) each->crash();
    run_.reset();
  }

  const scenario& scenario_;
  const run_options& options_;
  run_report report_;
  single_way way_;
  random_source::chooser* chooser_;
  world world_;
  point_chooser points_;
  std::unique_ptr<scenario_run> run_;
};

std::string difference(const run_report& one, const run_report& other) {
  if (one.failure != other.failure) return "fails differently: " + other.failure;
  return "another trace: " + std::to_string(one.events) + " and " + std::to_string(other.events) + " events";
}

} // namespace

run_report run_seed(const scenario& what, std::uint64_t seed, const run_options& options) {
  const std::size_t frames_before = frame_pool::frames_live();
  run_report report = std::make_unique<passage>(what, seed, options)->take();
  const std::size_t frames_left = frame_pool::frames_live() - frames_before;
  if (report.passed() && frames_left != 0)
    report.failure = std::to_string(frames_left) + " coroutine frames are left when the world has ended";
  return report;
}

run_report run_twice(const scenario& what, std::uint64_t seed, const run_options& options) {
  run_report first = run_seed(what, seed, options);
  const run_report second = run_seed(what, seed, options);
  if (first.trace_hash != second.trace_hash || first.failure != second.failure)
    first.failure = "the same seed does not run the same twice: " + difference(first, second);
  return first;
}

void run_tally::add(const run_report& report) noexcept {
  trace_hash = runs == 0 ? report.trace_hash : (trace_hash * 0x9e3779b97f4a7c15) ^ report.trace_hash;
  ++runs;
  events += report.events;
  steps += report.steps;
  virtual_ns += report.virtual_ns;
  for (std::size_t i = 0; i < fault_count; ++i) faults[i] += report.faults[i];
}

} // namespace weir::sim
