#include <weir/base/error.hpp>
#include <weir/base/result.hpp>

#include <gtest/gtest.h>

#include <cerrno>
#include <string>

namespace weir {
namespace {

constexpr errc all_codes[] = {errc::end_of_stream, errc::closed,     errc::limit_reached,
                              errc::protocol,      errc::unroutable, errc::invalid_argument};

TEST(error, says_what_happened_during_what_and_where) {
  const error bare = error::from_errno(ECONNREFUSED);
  EXPECT_EQ(bare.message(), "Connection refused");
  EXPECT_EQ(bare.endpoint(), "");

  const error named = error::from_errno(ECONNREFUSED, "connect");
  EXPECT_EQ(named.message(), "connect: Connection refused");
  EXPECT_STREQ(named.operation(), "connect");

  const error placed = error(named).at("tcp://127.0.0.1:5555");
  EXPECT_EQ(placed.endpoint(), "tcp://127.0.0.1:5555");
  EXPECT_EQ(placed.message(), "connect tcp://127.0.0.1:5555: Connection refused");
  EXPECT_EQ(error::from_errno(ECONNREFUSED).at("here").message(), "here: Connection refused");
}

TEST(error, takes_errno_values_of_either_sign) {
  EXPECT_EQ(error::from_errno(EPIPE), error::from_errno(-EPIPE));
  EXPECT_EQ(error::from_errno(-EPIPE), std::errc::broken_pipe);
  EXPECT_NE(error::from_errno(EPIPE), error::from_errno(ECONNRESET));
}

TEST(error, cancellation_and_timeout_are_told_apart_on_every_path) {
  for (const error& cancelled : {error::from_errno(ECANCELED), error(std::errc::operation_canceled)}) {
    EXPECT_TRUE(cancelled.is_cancelled());
    EXPECT_FALSE(cancelled.is_timeout());
  }
  for (const error& late : {error::from_errno(ETIMEDOUT), error(std::errc::timed_out)}) {
    EXPECT_TRUE(late.is_timeout());
    EXPECT_FALSE(late.is_cancelled());
  }
}

TEST(error, own_codes_have_their_own_category_and_texts) {
  for (const errc code : all_codes) {
    const error own(code);
    EXPECT_EQ(own, code);
    EXPECT_EQ(&own.code().category(), &category());
    EXPECT_NE(own.message(), "unknown error");
    for (const errc other : all_codes) EXPECT_EQ(own == other, code == other) << own.message();
  }
  EXPECT_STREQ(category().name(), "weir");
  EXPECT_EQ(category().message(9999), "unknown error");
}

TEST(error, own_codes_answer_to_the_conditions_of_the_standard) {
  EXPECT_EQ(error(errc::protocol), std::errc::protocol_error);
  EXPECT_EQ(error(errc::unroutable), std::errc::host_unreachable);
  EXPECT_EQ(error(errc::invalid_argument), std::errc::invalid_argument);
  const std::error_code implicit = errc::closed;
  EXPECT_EQ(error(errc::closed), implicit);
}

TEST(result, carries_a_value_or_the_reason) {
  const auto halved = [](int number) -> result<int> {
    if (number % 2 != 0) return fail(errc::invalid_argument, "odd");
    return number / 2;
  };
  EXPECT_EQ(halved(4).value(), 2);
  ASSERT_FALSE(halved(3));
  EXPECT_EQ(halved(3).error(), errc::invalid_argument);
  EXPECT_STREQ(halved(3).error().operation(), "odd");

  const auto passed_on = [&]() -> result<> { return fail(error(halved(3).error()).at("here")); };
  ASSERT_FALSE(passed_on());
  EXPECT_EQ(passed_on().error().endpoint(), "here");
}

} // namespace
} // namespace weir
