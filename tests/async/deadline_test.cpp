#include <weir/async/deadline.hpp>

#include <gtest/gtest.h>

namespace weir {
namespace {

using namespace std::chrono_literals;

TEST(deadline_test, a_duration_counts_from_when_it_is_resolved) {
  const deadline after = 3us;
  EXPECT_EQ(after.resolve_ns(1000), 4000u);
  EXPECT_EQ(after.resolve_ns(2000), 5000u);
}

TEST(deadline_test, a_point_in_time_stays_where_it_is) {
  EXPECT_EQ(deadline::at_ns(77).resolve_ns(1000), 77u);
}

TEST(deadline_test, a_negative_duration_is_over_at_once) {
  EXPECT_EQ(deadline(-1h).resolve_ns(1000), 1000u);
}

TEST(deadline_test, saturates) {
  EXPECT_EQ(deadline(std::chrono::nanoseconds::max()).resolve_ns(deadline::never_ns - 5), deadline::never_ns);
  EXPECT_EQ(deadline::never().resolve_ns(1000), deadline::never_ns);
}

} // namespace
} // namespace weir
