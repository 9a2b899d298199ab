#include <weir/async/failure.hpp>

#include <gtest/gtest.h>

#include <stdexcept>

namespace weir {
namespace {

failure thrown(auto&& what) {
  return failure(std::make_exception_ptr(what));
}

TEST(failure_test, an_error_is_delivered_as_an_error) {
  failure failed(error(errc::protocol, "rule"));
  EXPECT_FALSE(failed.is_exception());
  EXPECT_EQ(std::move(failed).deliver().error(), errc::protocol);
}

TEST(failure_test, an_exception_is_delivered_as_an_exception) {
  failure failed = thrown(std::runtime_error("broken"));
  EXPECT_TRUE(failed.is_exception());
  EXPECT_THROW((void)std::move(failed).deliver(), std::runtime_error);
}

TEST(failure_test, speaks_for_both) {
  EXPECT_EQ(failure(error(errc::closed, "send")).message(), "send: closed on this side");
  EXPECT_EQ(thrown(std::runtime_error("broken")).message(), "exception: broken");
  EXPECT_EQ(thrown(42).message(), "exception of an unknown type");
}

TEST(failure_test, knows_a_cancellation) {
  EXPECT_TRUE(failure(error(std::errc::operation_canceled)).is_cancelled());
  EXPECT_FALSE(failure(error(std::errc::timed_out)).is_cancelled());
  EXPECT_FALSE(thrown(42).is_cancelled());
}

} // namespace
} // namespace weir
