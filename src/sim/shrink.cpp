#include <weir/sim/shrink.hpp>

#include <cstddef>
#include <utility>

namespace weir::sim {
namespace {

class shrinker {
 public:
  shrinker(const scenario& what, const run_report& failed, unsigned runs_max)
      : scenario_(what), runs_max_(runs_max) {
    best_.report = failed;
    keep_what_happened();
  }

  shrunk_run take() {
    drop_kinds();
    lessen(&run_options::fault_events_max, events_of(best_.report));
    lessen(&run_options::safety_steps_max, best_.report.safety_steps);
    return std::move(best_);
  }

 private:
  static std::uint64_t events_of(const run_report& report) noexcept {
    std::uint64_t all = 0;
    for (const std::uint64_t each : report.faults) all += each;
    return all;
  }

  /// What did not happen is not missed: no run is needed to drop it.
  void keep_what_happened() noexcept {
    for (std::size_t i = 0; i < fault_count; ++i)
      if (best_.report.faults[i] == 0) best_.options.kinds.reset(i);
  }

  /// Takes the options over if the run fails with them.
  bool still_fails(const run_options& options) {
    if (best_.runs >= runs_max_) return false;
    ++best_.runs;
    run_report report = run_seed(scenario_, best_.report.seed, options);
    if (report.passed()) return false;
    best_.report = std::move(report);
    best_.options = options;
    return true;
  }

  /// Halves first: most failures need one kind or two.
  void drop_kinds() {
    for (std::size_t size = fault_count; size > 0; size /= 2)
      for (std::size_t begin = 0; begin < fault_count; begin += size) {
        run_options fewer = best_.options;
        for (std::size_t i = begin; i < begin + size && i < fault_count; ++i) fewer.kinds.reset(i);
        if (fewer.kinds != best_.options.kinds && still_fails(fewer)) keep_what_happened();
      }
  }

  /// The least value with which it fails, as if more of it could only make it worse.
  void lessen(std::uint64_t run_options::* bound, std::uint64_t now) {
    best_.options.*bound = now; // which changes nothing yet
    std::uint64_t least = 0;
    std::uint64_t most = now; // fails
    while (least < most) {
      run_options fewer = best_.options;
      fewer.*bound = least + (most - least) / 2;
      if (still_fails(fewer))
        most = fewer.*bound;
      else if (best_.runs >= runs_max_)
        return;
      else
        least = fewer.*bound + 1;
    }
  }

  const scenario& scenario_;
  unsigned runs_max_;
  shrunk_run best_;
};

} // namespace

shrunk_run shrink(const scenario& what, const run_report& failed, unsigned runs_max) {
  return shrinker(what, failed, runs_max).take();
}

} // namespace weir::sim
