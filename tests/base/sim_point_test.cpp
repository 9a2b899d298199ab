#include <weir/base/sim_point.hpp>

#include <gtest/gtest.h>

#include <cstring>
#include <string>

namespace weir::test {
namespace {

class takes_one final : public sim_point_hook {
 public:
  bool takes(const char* point) noexcept override {
    asked = point;
    return std::strcmp(point, "this one") == 0;
  }
  const char* asked = "";
};

TEST(sim_point_test, is_not_taken_without_a_hook) {
  EXPECT_FALSE(sim_point("this one"));
}

TEST(sim_point_test, the_hook_decides_where_the_build_has_points) {
  takes_one hook;
  sim_point_hook* const before = exchange_sim_point_hook(&hook);
  EXPECT_EQ(sim_point("this one"), has_sim_points);
  EXPECT_FALSE(sim_point("another"));
  EXPECT_STREQ(hook.asked, has_sim_points ? "another" : "");
  EXPECT_EQ(exchange_sim_point_hook(before), has_sim_points ? &hook : nullptr);
  EXPECT_FALSE(sim_point("this one"));
}

} // namespace
} // namespace weir::test
