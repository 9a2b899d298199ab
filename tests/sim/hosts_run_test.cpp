#include <weir/async/event.hpp>
#include <weir/async/sleep.hpp>
#include <weir/sim/hosts_run.hpp>
#include <weir/sim/runner.hpp>

#include <gtest/gtest.h>

#include <chrono>
#include <cstdint>
#include <stdexcept>

namespace weir::sim::test {
namespace {

using std::chrono::seconds;

std::uint64_t happened(const run_report& report, fault kind) {
  return report.faults[static_cast<std::size_t>(kind)];
}

/// Sleeps for a while.
class patient final : public hosts_run {
 public:
  explicit patient(world& in) : hosts_run(in) {
    add_host("one").start([this](host&) { return wait(); });
  }

 private:
  task<> wait() {
    result<> slept = co_await sleep_for(seconds(20));
    demand(slept.has_value(), "a sleep was cancelled");
  }
};

/// Waits for what never comes.
class forlorn final : public hosts_run {
 public:
  explicit forlorn(world& in) : hosts_run(in) {
    add_host("one").start([this](host&) { return wait(); });
  }

 private:
  task<> wait() {
    ++waiting_;
    [[maybe_unused]] result<> never = co_await never_.wait(); // the end of the host cancels it
    --waiting_;
  }
  weir::event never_{event_reset::manual};
  int waiting_ = 0;
};

/// Lets an exception out.
class careless_program final : public hosts_run {
 public:
  explicit careless_program(world& in) : hosts_run(in) {
    add_host("one").start([this](host&) { return break_off(); });
  }

 private:
  task<> break_off() {
    [[maybe_unused]] result<> slept = co_await sleep_for(seconds(1));
    throw std::runtime_error("out of paper");
  }
};

/// Crashes, and has to begin anew each time; the world counts how often it came to the end.
class mortal final : public hosts_run {
 public:
  explicit mortal(world& in) : hosts_run(in) {
    host& one = add_host("one");
    fate().may_crash(one);
    one.start([this](host& on) { return work(on); });
  }
  void check_end() override { demand(ended_in_life_ > 0, "it never came to the end of its work"); }

 private:
  task<> work(host& on) {
    result<> slept = co_await sleep_for(seconds(5));
    if (slept) ended_in_life_ = on.life();
  }
  std::uint32_t ended_in_life_ = 0;
};

template <class Run>
scenario made_of() {
  scenario what{"hosts", "that programs on hosts are run and judged", begin_run<Run>};
  what.safety_ns = 30'000'000'000;
  return what;
}

TEST(hosts_run_test, is_done_when_its_programs_have_ended) {
  const run_report report = run_twice(made_of<patient>(), 1);
  EXPECT_TRUE(report.passed()) << report.failure;
  EXPECT_GE(report.virtual_ns, 21'000'000'000u);
  EXPECT_EQ(report.hosts, std::vector<std::string>{"one"});
}

TEST(hosts_run_test, a_program_that_does_not_end_is_named_and_then_unwound) {
  const run_report report = run_seed(made_of<forlorn>(), 1);
  EXPECT_NE(report.failure.find("not done when time was up"), std::string::npos) << report.failure;
  EXPECT_NE(report.failure.find("one still runs its program"), std::string::npos) << report.failure;
}

TEST(hosts_run_test, an_exception_of_a_program_breaks_the_rules) {
  EXPECT_EQ(run_seed(made_of<careless_program>(), 1).failure, "one: a program threw out of paper");
}

TEST(misfortunes_test, clocks_jump_and_drift_and_hosts_crash_in_some_seeds) {
  std::uint64_t jumps = 0, drifts = 0, crashes = 0, never_crashes = 0;
  for (std::uint64_t seed = 0; seed < 40; ++seed) {
    const run_report with = run_seed(made_of<mortal>(), seed), without = run_seed(made_of<patient>(), seed);
    EXPECT_TRUE(with.passed()) << "seed " << seed << ": " << with.failure;
    jumps += happened(with, fault::clock_jump);
    drifts += happened(with, fault::clock_drift);
    crashes += happened(with, fault::host_crash);
    never_crashes += happened(without, fault::host_crash);
  }
  EXPECT_GT(jumps, 0u);
  EXPECT_GT(drifts, 0u);
  EXPECT_GT(crashes, 0u);
  EXPECT_EQ(never_crashes, 0u) << "a host crashed that may not";
}

} // namespace
} // namespace weir::sim::test
