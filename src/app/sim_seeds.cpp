#include "sim_seeds.hpp"

#include "units.hpp"

#include <weir/sim/exhaustive.hpp>

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <string>
#include <string_view>
#include <utility>

namespace weir::app {
namespace {

using steady = std::chrono::steady_clock;

double seconds_since(steady::time_point began) {
  return std::chrono::duration<double>(steady::now() - began).count();
}

/// Which seed is running, for whoever reads what is left of a process that broke.
class last_words {
 public:
  explicit last_words(std::string_view scenario) : scenario_(scenario) {
    text.fill(0);
    for (std::size_t i = 0; i < broken_by.size(); ++i) before_[i] = std::signal(broken_by[i], speak);
  }
  ~last_words() {
    for (std::size_t i = 0; i < broken_by.size(); ++i) std::signal(broken_by[i], before_[i]);
  }

  void begin(std::uint64_t seed, std::string_view place = "") {
    const auto end =
        fmt::format_to_n(text.data(), text.size() - 1, "\nthe process broke in: weir sim {} --seed {} {}\n",
                         scenario_, seed, place);
    *end.out = 0;
  }

 private:
  static constexpr std::array<int, 5> broken_by{SIGABRT, SIGSEGV, SIGBUS, SIGFPE, SIGILL};

  static void speak(int signal_number) {
    [[maybe_unused]] const auto written =
        ::write(STDERR_FILENO, text.data(), std::string_view(text.data()).size());
    std::signal(signal_number, SIG_DFL);
    std::raise(signal_number);
  }

  static inline std::array<char, 256> text{};
  std::string_view scenario_;
  std::array<void (*)(int), broken_by.size()> before_{};
};

/// A line that is written again and again.
class progress_line {
 public:
  explicit progress_line(const sim_outcome& of) : outcome_(of), on_terminal_(::isatty(STDERR_FILENO) == 1) {}
  ~progress_line() {
    if (on_terminal_) fmt::print(stderr, "\r\x1b[K");
  }

  void update(steady::time_point began) {
    using namespace std::chrono_literals;
    const auto now = steady::now();
    if (!on_terminal_ || now - told_ < 100ms) return;
    told_ = now;
    const double rate = static_cast<double>(outcome_.tally.runs) / seconds_since(began);
    fmt::print(stderr, "\r\x1b[K{}: {} of {} runs, {:.0f} a second", outcome_.scenario.name,
               format_count(outcome_.tally.runs), format_count(outcome_.seeds.count), rate);
    std::fflush(stderr);
  }

 private:
  const sim_outcome& outcome_;
  bool on_terminal_;
  steady::time_point told_{};
};

void run_each_seed(sim_outcome& outcome) {
  const sim_seeds& seeds = outcome.seeds;
  last_words words(outcome.scenario.name);
  progress_line progress(outcome);
  const auto began = steady::now();
  for (std::uint64_t i = 0; i < seeds.count && !outcome.failed; ++i) {
    words.begin(seeds.first + i);
    const auto run = seeds.twice ? sim::run_twice : sim::run_seed;
    sim::run_report report = run(outcome.scenario, seeds.first + i, seeds.options);
    outcome.tally.add(report);
    if (!report.passed()) outcome.failed = std::move(report);
    progress.update(began);
  }
}

void run_each_place(sim_outcome& outcome) {
  const sim_seeds& seeds = outcome.seeds;
  last_words words(outcome.scenario.name);
  progress_line progress(outcome);
  const auto began = steady::now();
  sim::exhaustive_options options;
  options.run = seeds.options;
  options.runs_max = seeds.count;
  options.on_run = [&](const std::string& place) {
    words.begin(seeds.first, place);
    progress.update(began);
    ++outcome.tally.runs; // for the progress; the report's own replaces it
  };
  const auto search = seeds.method == sim_method::fail_each     ? sim::fail_each
                      : seeds.method == sim_method::cancel_each ? sim::cancel_each
                                                                : sim::every_choice;
  sim::exhaustive_report report = search(outcome.scenario, seeds.first, options);
  outcome.tally = report.tally;
  outcome.places = report.places;
  outcome.is_complete = report.is_complete;
  outcome.failed = std::move(report.failed);
  outcome.place = std::move(report.place);
}

/// As it was named by whoever ran just that place again.
std::string place_of(const sim::run_options& options) {
  if (options.fail_at) return fmt::format("--fail-at {}", *options.fail_at);
  if (options.cancel_at) return fmt::format("--cancel-at {}", *options.cancel_at);
  return options.way ? fmt::format("--way {}", fmt::join(*options.way, ",")) : "";
}

} // namespace

sim_outcome run_seeds(const sim::scenario& what, const sim_seeds& seeds) {
  sim_outcome outcome(what);
  outcome.seeds = seeds;
  outcome.place = place_of(seeds.options);
  const auto began = steady::now();
  if (seeds.method == sim_method::seeds)
    run_each_seed(outcome);
  else
    run_each_place(outcome);
  outcome.seconds = seconds_since(began);
  if (outcome.failed && outcome.place.empty()) outcome.shrunk = sim::shrink(what, *outcome.failed);
  return outcome;
}

} // namespace weir::app
