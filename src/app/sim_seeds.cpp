#include "sim_seeds.hpp"

#include "units.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <string_view>

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

  void begin(std::uint64_t seed) {
    const auto end = fmt::format_to_n(text.data(), text.size() - 1,
                                      "\nthe process broke in: weir sim {} --seed {}\n", scenario_, seed);
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
  progress_line(const sim_outcome& of) : outcome_(of), on_terminal_(::isatty(STDERR_FILENO) == 1) {}
  ~progress_line() {
    if (on_terminal_) fmt::print(stderr, "\r\x1b[K");
  }

  void update(steady::time_point began) {
    using namespace std::chrono_literals;
    const auto now = steady::now();
    if (!on_terminal_ || now - told_ < 100ms) return;
    told_ = now;
    const double rate = static_cast<double>(outcome_.tally.runs) / seconds_since(began);
    fmt::print(stderr, "\r\x1b[K{}: {} of {} seeds, {:.0f} a second", outcome_.scenario.name,
               format_count(outcome_.tally.runs), format_count(outcome_.seeds.count), rate);
    std::fflush(stderr);
  }

 private:
  const sim_outcome& outcome_;
  bool on_terminal_;
  steady::time_point told_{};
};

} // namespace

sim_outcome run_seeds(const sim::scenario& what, const sim_seeds& seeds) {
  sim_outcome outcome(what);
  outcome.seeds = seeds;
  last_words words(what.name);
  const auto began = steady::now();
  {
    progress_line progress(outcome);
    for (std::uint64_t i = 0; i < seeds.count && !outcome.failed; ++i) {
      words.begin(seeds.first + i);
      const auto run = seeds.twice ? sim::run_twice : sim::run_seed;
      sim::run_report report = run(what, seeds.first + i, seeds.options);
      outcome.tally.add(report);
      if (!report.passed()) outcome.failed = std::move(report);
      progress.update(began);
    }
  }
  outcome.seconds = seconds_since(began);
  if (outcome.failed) outcome.shrunk = sim::shrink(what, *outcome.failed);
  return outcome;
}

} // namespace weir::app
