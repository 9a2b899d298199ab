#include <weir/async/frame_pool.hpp>
#include <weir/async/with_nursery.hpp>
#include <weir/io/thread_clock.hpp>

#include <support/descriptors.hpp>
#include <support/exhaustion.hpp>
#include <support/faulty_proactor.hpp>

#include <thread>

namespace weir::test {
namespace {

constexpr std::uint64_t runs_max = 20'000; // a scenario that never comes through is a fault of its own

/// What threads still do, for nobody any more, may hold what it needs. They wake no loop at its end.
bool become_idle(const blocking_pool& threads) {
  const auto is_idle = [&](pool_class each) {
    return threads.queued(each) == 0 && threads.threads_busy(each) == 0;
  };
  const std::uint64_t until_ns = thread_clock::now_ns() + patience_ns;
  for (const pool_class each : {pool_class::cpu, pool_class::disk, pool_class::dns, pool_class::user}) {
    while (!is_idle(each)) {
      if (thread_clock::now_ns() > until_ns) return false;
      std::this_thread::yield();
    }
  }
  return true;
}

} // namespace

void exhaustion_test::SetUp() {
  const backend_case& which = std::get<0>(GetParam());
  if (!can_fail(kind())) GTEST_SKIP() << "this build leaves no way to fail a " << name_of(kind());
  if (const std::string reason = which.is_io_uring() ? why_no_io_uring() : ""; !reason.empty())
    GTEST_SKIP() << reason;
}

void exhaustion_test::fail_each_step_of(const scenario& body) {
  std::uint64_t nth = 1;
  while (nth < runs_max && !HasFailure() && run_with_fault(nth, body)) ++nth;
  EXPECT_GT(nth, 1u) << "the scenario has no step of this kind";
  EXPECT_LT(nth, runs_max);
}

/// False when the run was over before the fault was met. Memory that is made once and kept, such as a thread
/// of the pool, is no leak: what leaks does so each time.
bool exhaustion_test::run_with_fault(std::uint64_t nth, const scenario& body) {
  std::int64_t leaked = 0;
  bool was_met = false;
  for (int tries = 3; tries > 0; --tries) {
    const std::int64_t live_before = live_allocations();
    was_met = attempt(nth, body);
    frame_pool::trim();
    leaked = live_allocations() - live_before;
    if (leaked <= 0 || HasFailure()) return was_met;
  }
  ADD_FAILURE() << "run " << nth << " leaks " << leaked << " blocks of memory";
  return was_met;
}

bool exhaustion_test::attempt(std::uint64_t nth, const scenario& body) {
  const std::size_t open_before = open_descriptors();
  frame_pool::trim(); // else most frames need no allocation
  bool was_met = false;
  std::string where;
  {
    auto made = loop::create(options_, make_faulty);
    EXPECT_TRUE(made);
    loop& home = **made;
    const result<> outcome = run_on(home, nth, body, was_met, where);
    SCOPED_TRACE("run " + std::to_string(nth) + ' ' + where);
    if (HasFailure()) ADD_FAILURE() << "that was it";
    EXPECT_TRUE(outcome || was_met) << outcome.error().message();
    EXPECT_TRUE(outcome || *outcome.error().operation() != '\0') << outcome.error().message();

    EXPECT_TRUE(wait_until(home, [&] { return home.outstanding() == 0; }));
    EXPECT_TRUE(become_idle(home.blocking()));
    EXPECT_EQ(frame_pool::frames_live(), 0u);
    EXPECT_EQ(home.send_buffers().slots_in_use(), 0u);
    EXPECT_LE(home.buffers().slots_in_use(), home.options().io.ring_slots);
  }
  EXPECT_EQ(open_descriptors(), open_before) << list_of_open_descriptors();
  return was_met;
}

result<> exhaustion_test::run_on(loop& home, std::uint64_t nth, const scenario& body, bool& was_met,
                                 std::string& where) {
  result<> outcome;
  const planned_fault fault(kind(), nth);
  try {
    outcome = weir::run(home, body());
  } catch (const std::bad_alloc&) {
    outcome = fail(error(std::errc::not_enough_memory, "allocation"));
  }
  was_met = fault.was_met();
  where = fault.where();
  return outcome;
}

task<result<>> side_by_side(task<result<>> first, task<result<>> second) {
  auto both = [&](nursery& children) -> task<result<>> {
    const result<> admitted = co_await children.spawn(std::move(first));
    if (!admitted) co_return admitted;
    co_return co_await std::move(second);
  };
  co_return co_await with_nursery(nursery_options(2), both);
}

} // namespace weir::test
