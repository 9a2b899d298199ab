#include <weir/io/capabilities.hpp>

#include <gtest/gtest.h>

namespace weir::test {
namespace {

TEST(capabilities_test, name_themselves) {
  EXPECT_EQ(capability_mask::all().to_string(),
            "defer_taskrun multishot_accept provided_buffers multishot_receive "
            "bundles send_zero_copy poll_first files multishot_message");
  EXPECT_EQ(capability_mask().to_string(), "none");
}

TEST(capabilities_test, are_taken_away_by_name) {
  const auto mask = capability_mask::parse("-bundles,-poll_first");
  ASSERT_TRUE(mask);
  EXPECT_EQ(mask->to_string(), "defer_taskrun multishot_accept provided_buffers multishot_receive "
                               "send_zero_copy files multishot_message");
}

TEST(capabilities_test, are_all_there_where_nothing_is_taken_away) {
  const auto mask = capability_mask::parse("");
  ASSERT_TRUE(mask);
  EXPECT_EQ(*mask, capability_mask::all());
}

TEST(capabilities_test, have_shorthands) {
  EXPECT_EQ(capability_mask::parse("none").value(), capability_mask());
  EXPECT_EQ(capability_mask::parse("one_shot").value().to_string(),
            "defer_taskrun provided_buffers send_zero_copy poll_first files");
  EXPECT_EQ(capability_mask::parse("one_shot,-defer_taskrun").value().to_string(),
            "provided_buffers send_zero_copy poll_first files");
}

TEST(capabilities_test, that_do_not_exist_are_errors_that_name_them) {
  for (const char* text :
       {"-sparkles", "-bundles,-sparkles", "sparkles", "bundles", "-", "-bundles,,-poll_first"}) {
    const auto mask = capability_mask::parse(text);
    ASSERT_FALSE(mask) << text;
    EXPECT_EQ(mask.error(), errc::invalid_argument);
  }
  EXPECT_EQ(capability_mask::parse("-bundles,-sparkles").error().message(),
            "capabilities '-sparkles': invalid argument");
}

} // namespace
} // namespace weir::test
