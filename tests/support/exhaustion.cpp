#include <weir/async/frame_pool.hpp>
#include <weir/async/with_nursery.hpp>

#include <support/descriptors.hpp>
#include <support/exhaustion.hpp>
#include <support/faulty_proactor.hpp>

namespace weir::test {
namespace {

constexpr std::uint64_t runs_max = 20'000; // a scenario that never comes through is a fault of its own

} // namespace

void exhaustion_test::SetUp() {
  const auto& [which, kind] = GetParam();
  if (!can_fail(kind)) GTEST_SKIP() << "this build leaves no way to fail a " << name_of(kind);
  if (const std::string reason = which.is_io_uring() ? why_no_io_uring() : ""; !reason.empty())
    GTEST_SKIP() << reason;
}

void exhaustion_test::fail_each_step_of(const scenario& body) {
  std::uint64_t nth = 1;
  while (nth < runs_max && !HasFailure() && run_with_fault(nth, body)) ++nth;
  EXPECT_GT(nth, 1u) << "the scenario has no step of this kind";
  EXPECT_LT(nth, runs_max);
}

/// False when the run was over before the fault was met.
bool exhaustion_test::run_with_fault(std::uint64_t nth, const scenario& body) {
  const std::size_t open_before = open_descriptors();
  frame_pool::trim(); // else most frames need no allocation
  bool was_met = false;
  std::string where;
  {
    auto made = loop::create(std::get<0>(GetParam()).options(), make_faulty);
    EXPECT_TRUE(made);
    loop& home = **made;
    const result<> outcome = run_on(home, nth, body, was_met, where);
    SCOPED_TRACE("run " + std::to_string(nth) + ' ' + where);
    EXPECT_TRUE(outcome || was_met) << outcome.error().message();
    EXPECT_TRUE(outcome || *outcome.error().operation() != '\0') << outcome.error().message();

    EXPECT_TRUE(wait_until(home, [&] { return home.outstanding() == 0; }));
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
  const planned_fault fault(std::get<1>(GetParam()), nth);
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
