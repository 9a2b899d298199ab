// A service is told by signals what to do, as an operator does: take its settings anew (SIGHUP), count
// something (SIGRTMIN), end (SIGTERM). Two tasks of it wait for signals at once, with sets of their own that
// name some of the same, and give up now and then. Rules:
//   1. Settings that were written before a SIGHUP are in force in the end: none is lost that comes while
//   another is pending or being handled.
//   2. Of SIGHUP no more are told than were raised; of SIGRTMIN exactly as many.
//   3. A wait that was given up took none.
//   4. The service ends, and only when it was told to.
#include "scenarios.hpp"

#include <weir/async/sleep.hpp>
#include <weir/async/when_all.hpp>
#include <weir/async/with_deadline.hpp>
#include <weir/os/signal_set.hpp>
#include <weir/sim/hosts_run.hpp>

#include <algorithm>
#include <chrono>
#include <csignal>
#include <cstdint>
#include <optional>

namespace weir::scenarios {
namespace {

using std::chrono::nanoseconds;

class signals_run final : public sim::hosts_run {
 public:
  explicit signals_run(sim::world& in) : hosts_run(in), server_(add_host("server")) {
    server_.start([this](sim::host&) { return serve(); });
    add_host("operator").start([this](sim::host&) { return command_all(); });
  }

  void check_end() override {
    demand(in_force_ == written_, "1: the newest settings are not in force");
    demand(told_hups_ <= raised_hups_, "2: a signal was told that nobody raised");
    demand(told_counts_ == raised_counts_, "2: a queued signal was lost or told twice");
    demand(!in().has_open_descriptors(), "4: a descriptor is left over");
  }

 private:
  static constexpr std::uint64_t millisecond_ns = 1'000'000;
  static constexpr int commands_count = 60;

  nanoseconds drawn_pause() { return nanoseconds(draw().below(20 * millisecond_ns)); }

  // --- the service ---

  static result<signal_set> open_all() { return signal_set::open({SIGHUP, SIGRTMIN, SIGTERM}); }
  static result<signal_set> open_some() { return signal_set::open({SIGHUP, SIGRTMIN}); }

  static task<std::optional<signal_set>> opened(result<signal_set> (*open)()) {
    for (;;) {
      result<signal_set> made = open();
      if (made) co_return std::move(*made);
      result<> slept = co_await sleep_for(std::chrono::milliseconds(1)); // no descriptor is free
      if (!slept) co_return std::nullopt;
    }
  }

  task<> serve() {
    std::optional<signal_set> all = co_await opened(open_all);
    std::optional<signal_set> some = co_await opened(open_some);
    if (!all || !some) co_return;
    is_listening_ = true;
    co_await when_all(obey(*all), obey(*some));
  }

  task<> obey(signal_set& wanted) {
    while (!is_told_to_end_) {
      const std::uint64_t patience_ns = draw().below(5 * millisecond_ns);
      result<signal_notice> told = co_await with_deadline(nanoseconds(patience_ns), wanted.next());
      if (told) {
        co_await handle(told->number);
      } else if (!told.error().is_timeout()) {
        demand(told.error().is_cancelled(), "3: a wait failed");
        co_return;
      }
    }
    bool is_more = true; // what came together with the end
    while (is_more) {
      result<signal_notice> rest = co_await with_deadline(std::chrono::seconds(1), wanted.next());
      is_more = rest.has_value();
      if (is_more) co_await handle(rest->number);
    }
  }

  task<> handle(int number) {
    if (number == SIGTERM) is_told_to_end_ = true;
    if (number == SIGRTMIN) ++told_counts_;
    if (number != SIGHUP) co_return;
    ++told_hups_;
    const std::uint64_t read = written_;
    (void)co_await sleep_for(drawn_pause()); // whoever writes meanwhile says so
    in_force_ = std::max(in_force_, read);
  }

  // --- the operator ---

  task<> command_all() {
    while (!is_listening_) {
      result<> slept = co_await sleep_for(std::chrono::milliseconds(1));
      if (!slept) co_return;
    }
    for (int i = 0; i < commands_count; ++i) {
      result<> slept = co_await sleep_for(drawn_pause());
      if (!slept) co_return;
      command(draw().chance(500'000));
    }
    command(true);
    demand(!is_told_to_end_, "4: the service ends, and nobody told it to");
    demand(server_.raise(SIGTERM), "4: nobody hears the signal");
  }

  void command(bool is_reload) {
    if (is_reload) {
      ++written_;
      ++raised_hups_;
      demand(server_.raise(SIGHUP), "1: nobody hears the signal");
    } else {
      ++raised_counts_;
      demand(server_.raise(SIGRTMIN), "2: nobody hears the signal");
    }
  }

  sim::host& server_;
  bool is_listening_ = false;
  bool is_told_to_end_ = false;
  std::uint64_t written_ = 0; ///< the version of the settings
  std::uint64_t in_force_ = 0;
  std::uint64_t raised_hups_ = 0, told_hups_ = 0;
  std::uint64_t raised_counts_ = 0, told_counts_ = 0;
};

} // namespace

constinit const sim::scenario signals{"signals", "no signal is lost, none is told twice",
                                      sim::begin_run<signals_run>};

} // namespace weir::scenarios
