// Making a loop fails at each place where it asks the system for something: each time it is an error, or the
// other backend, and nothing is left of the attempt.
#include <weir/io/loop.hpp>

#include <gtest/gtest.h>
#include <support/descriptors.hpp>
#include <support/faults.hpp>

namespace weir::test {
namespace {

using loop_exhaustion = testing::TestWithParam<std::tuple<backend, fault_kind>>;

/// False when the loop was there before the fault was met.
bool make_with_fault(const loop_options& options, fault_kind kind, std::uint64_t nth) {
  const planned_fault fault(kind, nth);
  try {
    const auto made = loop::create(options);
    EXPECT_TRUE(made || *made.error().operation() != '\0') << made.error().message();
    EXPECT_TRUE(made || fault.was_met()) << made.error().message();
    if (made) (*made)->turn(0);
  } catch (const std::bad_alloc&) {
    EXPECT_EQ(kind, fault_kind::allocation);
  }
  return fault.was_met();
}

TEST_P(loop_exhaustion, of_its_making_leaves_nothing_behind) {
  const auto [which, kind] = GetParam();
  if (!can_fail(kind)) GTEST_SKIP() << "this build leaves no way to fail a " << name_of(kind);
  loop_options options;
  options.backend = which;
  const std::size_t open_before = open_descriptors();
  std::uint64_t nth = 1;
  while (!HasFailure() && make_with_fault(options, kind, nth)) {
    EXPECT_EQ(open_descriptors(), open_before) << "step " << nth << '\n' << list_of_open_descriptors();
    ++nth;
  }
  EXPECT_GT(nth, 1u) << "nothing was asked for";
}

std::string name_of_making(const testing::TestParamInfo<std::tuple<backend, fault_kind>>& made) {
  const auto& [which, kind] = made.param;
  return std::string(name_of(which)) + "_" + std::string(name_of(kind));
}
INSTANTIATE_TEST_SUITE_P(each, loop_exhaustion,
                         testing::Combine(testing::Values(backend::automatic, backend::epoll),
                                          testing::Values(fault_kind::allocation, fault_kind::system_call)),
                         name_of_making);

} // namespace
} // namespace weir::test
