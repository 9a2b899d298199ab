// Groups of loops for tests, on each backend. Tests run beside others: nothing is pinned.
#pragma once

#include <weir/runtime/loop_group.hpp>

#include <gtest/gtest.h>
#include <support/coroutine_fixture.hpp>
#include <support/descriptors.hpp>

#include <memory>

namespace weir::test {

class group_test : public testing::TestWithParam<backend_case> {
 protected:
  void SetUp() override {
    open_before_ = open_descriptors();
    if (GetParam().is_io_uring())
      if (const std::string reason = why_no_io_uring(); !reason.empty()) GTEST_SKIP() << reason;
  }
  void TearDown() override {
    group_.reset();
    EXPECT_EQ(open_descriptors(), open_before_) << list_of_open_descriptors();
  }

  loop_group_options options(unsigned loops) const {
    loop_group_options wanted(loops);
    wanted.loop = GetParam().options();
    wanted.pinned = false;
    return wanted;
  }
  loop_group& start(const loop_group_options& wanted) {
    auto made = loop_group::start(wanted);
    EXPECT_TRUE(made) << made.error().message();
    group_ = std::move(*made);
    return *group_;
  }
  loop_group& start(unsigned loops) { return start(options(loops)); }
  void end_group() { group_.reset(); }

 private:
  std::unique_ptr<loop_group> group_;
  std::size_t open_before_ = 0;
};

} // namespace weir::test
