// Deadlines while clocks misbehave: the wall clock jumps by years, the monotonic one drifts, the host stalls.
//
// Tasks wait under nested deadlines, relative and absolute, for what comes at a known time or never; a second
// loop's host has another drift and nothing to do with it. Rules, all on the loop's own monotonic clock:
//   1. What comes before its deadline is delivered; what comes later times out; at the same tick either may
//   happen.
//   2. Nothing ends early: neither a sleep, nor a time-out.
//   3. Nothing ends later than a tick of the wheel and what the host stalled. Jumps of the wall clock change
//   nothing.
//   4. Of nested deadlines the earliest ends the wait, and only it says that time was up: to the others
//   outside
//      it is an outcome, to those inside a cancellation.
//   5. Who is cancelled from outside gets a cancellation and no time-out.
#include "scenarios.hpp"

#include <weir/async/sleep.hpp>
#include <weir/async/when_all.hpp>
#include <weir/async/with_deadline.hpp>
#include <weir/io/loop.hpp>
#include <weir/io/timer.hpp>
#include <weir/sim/hosts_run.hpp>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstddef>
#include <vector>

namespace weir::scenarios {
namespace {

using std::chrono::nanoseconds;

class deadlines_run final : public sim::hosts_run {
 public:
  explicit deadlines_run(sim::world& in) : hosts_run(in) {
    for (const char* name : {"steady", "drifting"})
      add_host(name).start([this](sim::host& on) { return many(on); });
  }

 private:
  static constexpr std::uint64_t tick_ns = std::uint64_t{1} << timer_wheel::tick_shift;

  /// How much later than it should something may happen: what its host has stalled meanwhile, as its clock
  /// drifts.
  class lateness {
   public:
    explicit lateness(const sim::host& of) noexcept : host_(of), before_ns_(of.stalled_ns()) {}
    std::uint64_t most_ns() const noexcept {
      return 2 * tick_ns + (host_.stalled_ns() - before_ns_) * 1001 / 1000;
    }

   private:
    const sim::host& host_;
    std::uint64_t before_ns_;
  };

  static std::uint64_t now_ns() { return loop::current()->now_ns(); }

  task<> many(sim::host& on) {
    for (int round = 0; round < 20; ++round) {
      std::vector<task<>> side_by_side;
      for (int i = 0; i < 8; ++i) side_by_side.push_back(draw().chance(200'000) ? interrupted() : nested(on));
      co_await when_all(std::move(side_by_side));
      note(static_cast<std::uint64_t>(round), now_ns());
    }
  }

  /// From microseconds to a minute, each magnitude as likely.
  std::uint64_t drawn_duration_ns() { return draw().below(std::uint64_t{1000} << draw().below(26)); }

  /// Sleeps under three deadlines, each drawn by itself.
  task<> nested(sim::host& on) {
    const lateness late(on);
    const std::uint64_t began_ns = now_ns();
    const std::uint64_t sleep_ns = drawn_duration_ns();
    std::array<std::uint64_t, 3> limits_ns{};
    for (std::uint64_t& each : limits_ns) each = drawn_duration_ns();
    const std::uint64_t least_ns = *std::min_element(limits_ns.begin(), limits_ns.end());

    depth_outcome outcome;
    result<> slept = co_await outer(began_ns, limits_ns, sleep_ns, outcome);
    const std::uint64_t due_ns = began_ns + std::min(sleep_ns, least_ns);
    demand(now_ns() >= due_ns, "2: a wait ended early");
    demand(now_ns() <= due_ns + late.most_ns(), "3: a wait ended late");
    // Whoever wakes within a tick of each other may come in either order; so may those who both woke late.
    const bool is_close = std::max(sleep_ns, least_ns) - std::min(sleep_ns, least_ns) <= late.most_ns();
    if (slept) {
      demand(sleep_ns <= least_ns || is_close, "1: a sleep outlived its deadline");
    } else {
      demand(slept.error().is_timeout(), "5: a deadline ended a wait, and it says something else");
      demand(least_ns <= sleep_ns || is_close, "1: a deadline came before its time");
    }
    check_depths(outcome);
  }

  /// What each depth, 0 the outermost, has seen.
  struct depth_outcome {
    enum class kind : std::uint8_t { value, time_out, cancellation };
    std::array<kind, 3> seen{};
  };
  using kind = depth_outcome::kind;

  static kind kind_of(const result<>& outcome) {
    if (outcome) return kind::value;
    return outcome.error().is_timeout() ? kind::time_out : kind::cancellation;
  }

  void check_depths(const depth_outcome& outcome) {
    // From the inside: cancellations up to whoever's time was up, time-outs or values from there on.
    bool is_decided = false;
    for (std::size_t depth = 3; depth-- > 0;) {
      const kind seen = outcome.seen[depth];
      if (is_decided) demand(seen == outcome.seen[depth + 1], "4: an outer deadline changed an outcome");
      if (!is_decided) demand(depth > 0 || seen != kind::cancellation, "4: nobody says that time was up");
      is_decided = seen != kind::cancellation;
    }
  }

  task<result<>> outer(std::uint64_t began_ns, const std::array<std::uint64_t, 3>& limits_ns,
                       std::uint64_t sleep_ns, depth_outcome& outcome) {
    result<> ended = co_await with_deadline(deadline::at_ns(began_ns + limits_ns[0]),
                                            middle(limits_ns, sleep_ns, outcome));
    outcome.seen[0] = kind_of(ended);
    co_return ended;
  }
  task<result<>> middle(const std::array<std::uint64_t, 3>& limits_ns, std::uint64_t sleep_ns,
                        depth_outcome& outcome) {
    result<> ended = co_await with_deadline(nanoseconds(limits_ns[1]), inner(limits_ns, sleep_ns, outcome));
    outcome.seen[1] = kind_of(ended);
    co_return ended;
  }
  task<result<>> inner(const std::array<std::uint64_t, 3>& limits_ns, std::uint64_t sleep_ns,
                       depth_outcome& outcome) {
    result<> ended = co_await with_deadline(nanoseconds(limits_ns[2]), sleeps(sleep_ns));
    outcome.seen[2] = kind_of(ended);
    co_return ended;
  }
  task<result<>> sleeps(std::uint64_t duration_ns) { co_return co_await sleep_for(nanoseconds(duration_ns)); }

  /// Cancelled from outside, long before its deadline.
  task<> interrupted() {
    cancellation scope;
    const std::uint64_t after_ns = drawn_duration_ns() / 16;
    auto [outcome, asked] = co_await when_all(waits_long(scope), asks(scope, after_ns));
    demand(asked, "2: a sleep failed that nobody cancels");
    demand(!outcome && outcome.error().is_cancelled(), "5: a cancellation became something else");
  }
  task<result<>> waits_long(cancellation& scope) {
    co_return co_await with_deadline(std::chrono::hours(10), sleeps(36'000'000'000'001)).under(&scope);
  }
  task<bool> asks(cancellation& scope, std::uint64_t after_ns) {
    result<> slept = co_await sleep_for(nanoseconds(after_ns));
    scope.request();
    co_return slept.has_value();
  }
};

constexpr sim::scenario described() {
  sim::scenario made{"deadlines", "deadlines end waits on time, whatever the clocks do",
                     sim::begin_run<deadlines_run>};
  made.safety_ns = 200'000'000'000;
  made.liveness_ns = 2'000'000'000'000; // its waits are up to a minute long
  return made;
}

} // namespace

constinit const sim::scenario deadlines = described();

} // namespace weir::scenarios
