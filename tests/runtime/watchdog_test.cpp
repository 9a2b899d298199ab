#include "runtime_rig.hpp"

#include <weir/runtime/watchdog.hpp>

#include <support/recorded.hpp>
#include <unistd.h>

#include <condition_variable>
#include <mutex>

namespace weir::test {
namespace {

using namespace std::chrono_literals;

/// What a watchdog reports, and a way to wait for it.
class reports {
 public:
  watchdog_options options(std::chrono::nanoseconds limit = 20ms) {
    watchdog_options made;
    made.limit = limit;
    made.look_every = 2ms;
    made.on_report = [this](const stuck_report& report) {
      const std::lock_guard lock(mutex_);
      all_.push_back(report);
      more_.notify_all();
    };
    return made;
  }
  stuck_report wait_for(std::size_t number) {
    std::unique_lock lock(mutex_);
    more_.wait_for(lock, long_enough, [&] { return all_.size() > number; });
    return all_.at(number);
  }
  std::size_t count() {
    const std::lock_guard lock(mutex_);
    return all_.size();
  }

 private:
  std::mutex mutex_;
  std::condition_variable more_;
  std::vector<stuck_report> all_;
};

/// Blocks its thread, in calls that a sanitizer lets signals through.
__attribute__((noinline)) void block_until(const std::function<bool()>& happened) {
  while (!happened()) ::usleep(500);
}

TEST(watchdog_test, reports_a_stuck_handler_while_it_is_stuck_with_its_operation_and_line) {
  metrics_registry registry;
  reports seen;
  const watchdog guard(seen.options(), registry);
  running_loop victim("victim", registry);
  nop op(lane::urgent);
  const auto here = std::source_location::current();
  std::promise<void> over;
  op.then = [&] {
    block_until([&] { return seen.count() > 0; }); // it ends only because it was reported
    over.set_value();
  };
  victim.start([&] { op.start(victim.home(), here); });
  over.get_future().wait();
  const stuck_report report = seen.wait_for(0);
  EXPECT_EQ(report.loop, "victim");
  EXPECT_FALSE(report.has_ended);
  EXPECT_TRUE(report.what.has_operation);
  EXPECT_EQ(report.what.kind, operation_kind::nop);
  EXPECT_EQ(report.what.where.line(), here.line());
  EXPECT_GE(report.held_ns, 20'000'000u);
  EXPECT_NE(report.to_string().find("watchdog_test.cpp"), std::string::npos) << report.to_string();
}

TEST(watchdog_test, reports_once_an_incident_and_once_at_its_end) {
  metrics_registry registry;
  reports seen;
  const watchdog guard(seen.options(), registry);
  running_loop first("first", registry), second("second", registry);
  std::atomic<bool> is_released{false};
  const auto hold_up = [&] { block_until([&] { return is_released.load(); }); };
  first.start(hold_up);
  EXPECT_EQ(seen.wait_for(0).loop, "first");
  EXPECT_EQ(seen.wait_for(0).what.phase, loop_phase::inbox);
  second.start(hold_up);
  EXPECT_EQ(seen.wait_for(1).loop, "second") << "the first was looked at many times meanwhile";
  EXPECT_FALSE(seen.wait_for(1).has_ended);
  is_released = true;
  for (const std::size_t end : {std::size_t{2}, std::size_t{3}}) {
    const stuck_report report = seen.wait_for(end);
    EXPECT_TRUE(report.has_ended);
    EXPECT_TRUE(report.stack.empty());
    EXPECT_EQ(report.what.phase, loop_phase::inbox);
    EXPECT_GE(report.held_ns, seen.wait_for(report.loop == "first" ? 0 : 1).held_ns);
  }
  registry.for_each([&](const auto& member) { EXPECT_EQ(member.stuck(), 1u); });
}

TEST(watchdog_test, the_stack_leads_into_the_handler) {
  metrics_registry registry;
  reports seen;
  const watchdog guard(seen.options(), registry);
  running_loop victim("victim", registry);
  victim.start([&] { block_until([&] { return seen.count() > 0; }); });
  const std::vector<std::string> stack = seen.wait_for(0).stack;
  ASSERT_GE(stack.size(), 3u);
  std::string all;
  for (const std::string& frame : stack) all += frame + "\n";
  EXPECT_NE(all.find("usleep"), std::string::npos) << all;
  EXPECT_NE(all.find("weir_runtime_tests"), std::string::npos) << all;
}

TEST(watchdog_test, does_not_mind_a_loop_that_sleeps_or_is_merely_busy) {
  metrics_registry registry;
  reports seen;
  const watchdog guard(seen.options(300ms), registry);
  const running_loop idle("idle", registry);
  const running_loop busy("busy", registry);
  // Together they take longer than the limit. A machine that stands still in between may be reported, but not
  // every time.
  std::size_t reported = 1;
  for (int attempt = 0; attempt < 10 && reported > 0; ++attempt) {
    const std::size_t before = seen.count();
    for (int i = 0; i < 200; ++i) busy.call([] { ::usleep(2'000); });
    reported = seen.count() - before;
  }
  EXPECT_EQ(reported, 0u);
}

TEST(watchdog_test, forgets_a_loop_that_ends_while_it_is_watched) {
  metrics_registry registry;
  reports seen;
  const watchdog guard(seen.options(), registry);
  {
    const running_loop victim("victim", registry);
    victim.call([&] { block_until([&] { return seen.count() > 0; }); });
  }
  const running_loop other("other", registry);
  other.call([] {});
  EXPECT_LE(seen.count(), 2u);
}

TEST(watchdog_test, other_loops_go_on_and_are_not_reported) {
  metrics_registry registry;
  reports seen;
  const watchdog guard(seen.options(), registry);
  const running_loop victim("victim", registry);
  const running_loop bystander("bystander", registry);
  std::atomic<bool> is_released{false};
  victim.start([&] { block_until([&] { return is_released.load(); }); });
  EXPECT_EQ(seen.wait_for(0).loop, "victim");
  for (int i = 0; i < 10; ++i) bystander.call([] {});
  is_released = true;
  EXPECT_TRUE(seen.wait_for(1).has_ended);
  EXPECT_EQ(seen.wait_for(1).loop, "victim");
}

} // namespace
} // namespace weir::test
