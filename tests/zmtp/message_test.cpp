// The frames that travel together: three inside, any number on the heap, in order through every change.
#include <weir/zmtp/message.hpp>

#include <gtest/gtest.h>
#include <support/zmtp_wire.hpp>

#include <string>

namespace weir::zmtp {
namespace {

using namespace test;

parts numbered(std::size_t count) {
  parts texts;
  for (std::size_t i = 0; i < count; ++i)
    texts.push_back("part " + std::to_string(i) + std::string(i % 5 * 10, '.'));
  return texts;
}

TEST(message, is_empty_when_new) {
  const message made;
  EXPECT_TRUE(made.empty());
  EXPECT_EQ(made.size(), 0u);
  EXPECT_EQ(made.bytes(), 0u);
}

TEST(message, is_written_as_a_list) {
  message made({"identity", "", "body"});
  EXPECT_EQ(parts_of(made), (parts{"identity", "", "body"}));
  EXPECT_EQ(made.bytes(), 12u);
  EXPECT_EQ(made.front().text(), "identity");
  EXPECT_EQ(made.back().text(), "body");
}

/// The border between the frames inside and those on the heap must not show.
class message_of_any_size : public testing::TestWithParam<std::size_t> {
 protected:
  const parts texts = numbered(GetParam());
};

TEST_P(message_of_any_size, keeps_order_and_moves) {
  message made = message_of(texts);
  EXPECT_EQ(parts_of(made), texts);
  message moved(std::move(made));
  EXPECT_EQ(parts_of(moved), texts);
  EXPECT_TRUE(made.empty());
  for (const std::size_t before : {0u, 2u, 5u}) {
    message target = message_of(numbered(before));
    target = std::move(moved);
    EXPECT_EQ(parts_of(target), texts);
    EXPECT_TRUE(moved.empty());
    moved = std::move(target);
  }
  moved.add(frame("one more"));
  EXPECT_EQ(moved.size(), texts.size() + 1);
  EXPECT_EQ(moved.back().text(), "one more");
}

TEST_P(message_of_any_size, gives_and_takes_at_the_front) {
  message made;
  for (auto text = texts.rbegin(); text != texts.rend(); ++text)
    made.add_front(frame(std::string_view(*text)));
  EXPECT_EQ(parts_of(made), texts);
  for (const std::string& text : texts) EXPECT_EQ(made.pop_front().text(), text);
  EXPECT_TRUE(made.empty());
}

TEST_P(message_of_any_size, clears_and_is_used_again) {
  message made = message_of(texts);
  made.clear();
  EXPECT_TRUE(made.empty());
  for (const std::string& text : texts) {
    EXPECT_TRUE(made.add().empty()) << "a frame of the message before";
    made.back().assign(text);
  }
  EXPECT_EQ(parts_of(made), texts);
}

TEST_P(message_of_any_size, grows_by_a_frame_of_its_own) {
  if (texts.empty()) return;
  message made = message_of(texts);
  made.add(std::move(made.front()));
  EXPECT_EQ(made.back().text(), texts.front());
  EXPECT_EQ(made.size(), texts.size() + 1);
}

TEST_P(message_of_any_size, is_overwritten_frame_by_frame_and_cut) {
  for (const std::size_t before : {0u, 2u, 3u, 7u}) {
    message made = message_of(numbered(before));
    for (std::size_t i = 0; i < texts.size(); ++i) made.overwrite(i).assign(texts[i]);
    made.truncate(texts.size());
    EXPECT_EQ(parts_of(made), texts);
  }
}

TEST_P(message_of_any_size, shares_and_detaches) {
  message made = message_of(texts);
  message copy = made.share();
  made.clear();
  EXPECT_EQ(parts_of(copy), texts);
  copy.detach();
  EXPECT_EQ(parts_of(copy), texts);
}

INSTANTIATE_TEST_SUITE_P(frames, message_of_any_size, testing::Values(0, 1, 2, 3, 4, 5, 100));

} // namespace
} // namespace weir::zmtp
