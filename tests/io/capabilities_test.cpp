#include "contract.hpp"

#include <weir/io/capabilities.hpp>

#include <algorithm>
#include <ranges>
#include <string>
#include <string_view>
#include <vector>

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

std::vector<std::string> words_of(const capability_mask& mask) {
  std::vector<std::string> words;
  for (const auto word : std::views::split(mask.to_string(), ' '))
    words.emplace_back(word.begin(), word.end());
  return words;
}

/// What is taken away from a backend it does without: it says so, and everything works.
class contract_capabilities : public contract {
 protected:
  /// A loop that may use what `wish` leaves, in the words of WEIR_CAPABILITIES.
  void reopen_with(const std::string& wish) {
    const result<capability_mask> left = capability_mask::parse(wish);
    ASSERT_TRUE(left) << left.error().message();
    loop_options wanted = options();
    wanted.io.allowed = wanted.io.allowed & *left;
    reopen(wanted);
  }
  bool has(std::string_view word) {
    return std::ranges::count(words_of(on().backend().capabilities()), word) != 0;
  }
  void expect_to_accept_and_receive() {
    const listening_socket from = listen_on(transport::tcp);
    accept_many accepting(from.socket.get());
    start(accepting);
    const descriptor theirs = connect_to(from);
    ASSERT_TRUE(wait_for([&] { return !accepting.results.empty(); }));
    const descriptor ours(accepting.result());
    receive_many receiving(ours.get());
    start(receiving);
    send_text(theirs.get(), "all the same");
    ASSERT_TRUE(wait_for([&] { return receiving.received == "all the same"; }));
    receiving.cancel();
    accepting.cancel();
    ASSERT_TRUE(finish(receiving, accepting));
  }
};

TEST_P(contract_capabilities, that_are_taken_away_by_name_are_not_there_and_not_missed) {
  for (const std::string& word : words_of(capability_mask::all())) {
    SCOPED_TRACE(word);
    ASSERT_NO_FATAL_FAILURE(reopen_with("-" + word));
    EXPECT_FALSE(has(word));
    expect_to_accept_and_receive();
  }
}

TEST_P(contract_capabilities, that_repeat_themselves_go_together_and_all_at_once) {
  ASSERT_NO_FATAL_FAILURE(reopen_with("one_shot"));
  for (const char* each : {"multishot_accept", "multishot_receive", "bundles", "multishot_message"})
    EXPECT_FALSE(has(each)) << each;
  expect_to_accept_and_receive();
  ASSERT_NO_FATAL_FAILURE(reopen_with("none"));
  EXPECT_EQ(words_of(on().backend().capabilities()), std::vector<std::string>{"none"});
  expect_to_accept_and_receive();
}

INSTANTIATE_TEST_SUITE_P(backends, contract_capabilities, each_backend(), name_of_backend);

} // namespace
} // namespace weir::test
