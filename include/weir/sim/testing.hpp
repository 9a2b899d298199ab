// testing: a simulated world around your own server, for tests in any framework:
//
//   auto outcome = sim::try_seeds(1000, [](sim::trial& world) {
//     world.serve_on("server", [](sim::host&) { return serve_requests(); });
//     world.run_on("client", [&](sim::host&) { return ask_and_check(world); });
//   });
//   EXPECT_TRUE(outcome.passed()) << outcome.text();
//
// The function is called once a seed and says which programs run on which hosts: 10.0.0.1 is the
// first, 10.0.0.2 the second. A seed passes when nobody has called `world.fail` or thrown, and all programs
// have ended in time though faults stopped. The first seed that fails is made small; `text` says which it
// was, and its last events. Thread rule: one thread.
#pragma once

#include <weir/sim/hosts_run.hpp>
#include <weir/sim/runner.hpp>
#include <weir/sim/shrink.hpp>

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace weir::sim {

/// One seed, as whoever describes it sees it.
class trial final : public hosts_run {
 public:
  explicit trial(world& in) : hosts_run(in) {}

  /// Starts a program on a host of its own. The seed is done when all of these have ended.
  host& run_on(std::string_view name, host::program what);
  /// The same for one that goes on for ever.
  host& serve_on(std::string_view name, host::program what);
  /// A rule was broken.
  void fail(std::string why) {
    if (in().is_demanding()) in().accuse(std::move(why));
  }
  void expect(bool holds, const char* rule) { demand(holds, rule); }

  bool is_done() const override;

  using hosts_run::draw;
  using hosts_run::in;

 private:
  std::vector<const host*> must_end_;
};

struct trial_options {
  trial_options() noexcept {}

  std::uint64_t first_seed = 1;
  run_options run;                          ///< such as which kinds of fault may happen
  std::uint64_t safety_ns = 10'000'000'000; ///< scenario.hpp
  std::uint64_t liveness_ns = 120'000'000'000;
};

struct trial_outcome {
  bool passed() const noexcept { return !failed; }
  /// The seed, the rule that it broke, and the last events of the smallest run that breaks one.
  std::string text() const;

  run_tally tally;
  std::optional<run_report> failed;
  std::optional<shrunk_run> shrunk;
};

trial_outcome try_seeds(std::uint64_t count, const std::function<void(trial&)>& describe,
                        const trial_options& options = trial_options());

} // namespace weir::sim
