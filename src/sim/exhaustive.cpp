#include "ways.hpp"

#include <weir/sim/exhaustive.hpp>

#include <algorithm>
#include <cstddef>
#include <limits>
#include <utility>

namespace weir::sim {
namespace {

constexpr std::uint64_t nowhere = std::numeric_limits<std::uint64_t>::max();

/// Runs one after the other, up to the first that fails.
class search {
 public:
  search(const scenario& what, std::uint64_t seed, const exhaustive_options& options)
      : scenario_(what), seed_(seed), options_(options) {}

  bool is_over() const noexcept { return report_.failed || report_.tally.runs >= options_.runs_max; }
  std::uint64_t runs_left() const noexcept {
    return options_.runs_max - std::min(options_.runs_max, report_.tally.runs);
  }
  const run_options& options() const noexcept { return options_.run; }

  void begin(const std::string& place) const {
    if (options_.on_run) options_.on_run(place);
  }
  /// The report of the run; `place` is asked for if that has failed.
  template <class Text>
  run_report run(const run_options& one, Text place) {
    run_report report = run_seed(scenario_, seed_, one);
    report_.tally.add(report);
    if (report.passed()) return report;
    report_.place = place();
    report_.failed = report;
    return report;
  }

  exhaustive_report conclude(std::uint64_t places, bool is_complete) {
    report_.places = places;
    report_.is_complete = is_complete && !report_.failed;
    return std::move(report_);
  }

 private:
  const scenario& scenario_;
  std::uint64_t seed_;
  const exhaustive_options& options_;
  exhaustive_report report_;
};

/// Number `i` of `count` out of `places`, from 0 on, evenly spread. The product may need more than 64 bits.
std::uint64_t spread(std::uint64_t i, std::uint64_t count, std::uint64_t places) noexcept {
  return places / count * i + places % count * i / count;
}

/// A run with none of the places tells how many there are.
exhaustive_report at_each_place(search in, const char* option,
                                std::optional<std::uint64_t> run_options::* chosen,
                                std::uint64_t run_report::* counted) {
  const auto run_at = [&](std::uint64_t place) {
    const std::string text = std::string(option) + " " + std::to_string(place);
    run_options one = in.options();
    one.*chosen = place;
    in.begin(text);
    return in.run(one, [&] { return text; });
  };
  const std::uint64_t places = run_at(nowhere).*counted;
  std::uint64_t count = 0;
  const std::uint64_t wanted = std::min(places, in.runs_left());
  while (count < wanted && !in.is_over()) run_at(spread(count++, wanted, places));
  return in.conclude(places, wanted == places);
}

} // namespace

exhaustive_report fail_each(const scenario& what, std::uint64_t seed, const exhaustive_options& options) {
  return at_each_place(search(what, seed, options), "--fail-at", &run_options::fail_at,
                       &run_report::questions);
}

exhaustive_report cancel_each(const scenario& what, std::uint64_t seed, const exhaustive_options& options) {
  return at_each_place(search(what, seed, options), "--cancel-at", &run_options::cancel_at,
                       &run_report::suspensions);
}

exhaustive_report every_choice(const scenario& what, std::uint64_t seed, const exhaustive_options& options) {
  search in(what, seed, options);
  for (std::size_t depth = 1;; ++depth) {
    all_ways ways(depth);
    while (!in.is_over() && ways.next()) {
      run_options one = in.options();
      one.chooser = &ways;
      in.begin("--every-choice");
      in.run(one, [&] { return "--way " + ways.text(); });
    }
    if (in.is_over()) return in.conclude(depth - 1, false);
    if (!ways.is_cut()) return in.conclude(depth, true);
  }
}

} // namespace weir::sim
