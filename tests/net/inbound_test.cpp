// The unread bytes of a stream: their order, and the memory that they are charged for.
#include <weir/base/buffer_pool.hpp>
#include <weir/net/inbound.hpp>

#include <gtest/gtest.h>
#include <support/sockets.hpp>

#include <array>
#include <cstring>
#include <string>
#include <string_view>

namespace weir::test {
namespace {

constexpr std::size_t slot_bytes = 4096;

class inbound_test : public testing::Test {
 protected:
  /// What a receive brought: `text` at the front of a slot.
  lease received(std::string_view text) {
    lease slot = pool.acquire();
    std::memcpy(slot.writable().data(), text.data(), text.size());
    slot.truncate(text.size());
    return slot;
  }
  static std::string text_of(const lease& piece) {
    return {reinterpret_cast<const char*>(piece.data()), piece.size()};
  }
  std::string copy_out(std::size_t size) {
    std::string text(size, '\0');
    text.resize(unread.copy_out(std::as_writable_bytes(std::span(text))));
    return text;
  }

  buffer_pool pool{buffer_pool_options{slot_bytes, 64 * slot_bytes}};
  inbound unread{8 * slot_bytes};
};

TEST_F(inbound_test, gives_pieces_in_the_order_in_which_they_came) {
  const std::string first(2000, 'a'), second(2000, 'b');
  unread.push(received(first));
  unread.push(received(second));
  EXPECT_EQ(text_of(unread.pop()), first);
  EXPECT_EQ(text_of(unread.pop()), second);
  EXPECT_TRUE(unread.empty());
}

TEST_F(inbound_test, copies_out_across_pieces_and_keeps_the_rest) {
  const std::string text = pattern(6000);
  unread.push(received(std::string_view(text).substr(0, 3000)));
  unread.push(received(std::string_view(text).substr(3000)));
  EXPECT_EQ(copy_out(2999), text.substr(0, 2999));
  EXPECT_EQ(copy_out(2), text.substr(2999, 2));
  EXPECT_EQ(copy_out(100'000), text.substr(3001));
  EXPECT_EQ(copy_out(1), "");
  EXPECT_EQ(unread.pinned_bytes(), 0u);
  EXPECT_EQ(pool.slots_in_use(), 0u);
}

TEST_F(inbound_test, puts_back_to_the_front) {
  unread.push(received("behind"));
  unread.unread(received("in front, "));
  EXPECT_EQ(copy_out(100), "in front, behind");
}

TEST_F(inbound_test, charges_for_the_memory_that_is_pinned_not_for_the_bytes) {
  unread.push(received("x"));
  EXPECT_EQ(unread.pinned_bytes(), slot_bytes);
  unread.pop();
  EXPECT_EQ(unread.pinned_bytes(), 0u);
}

TEST_F(inbound_test, gathers_small_pieces_so_that_they_do_not_pin_a_slot_each) {
  std::string expected;
  for (int i = 0; i < 1000; ++i) {
    const std::string piece(1, static_cast<char>('a' + i % 26));
    unread.push(received(piece));
    expected += piece;
  }
  EXPECT_EQ(pool.slots_in_use(), 1u);
  EXPECT_EQ(unread.pinned_bytes(), slot_bytes);
  EXPECT_EQ(copy_out(2000), expected);
}

TEST_F(inbound_test, does_not_write_behind_bytes_that_somebody_else_has_a_share_of) {
  lease first = received("shared");
  const lease other = first.share();
  unread.push(std::move(first));
  unread.push(received("more"));
  EXPECT_EQ(text_of(other), "shared");
  EXPECT_EQ(pool.slots_in_use(), 2u);
  EXPECT_EQ(copy_out(100), "sharedmore");
}

TEST_F(inbound_test, pauses_at_its_credit_and_goes_on_at_half) {
  const std::string whole(slot_bytes, 'w');
  for (int i = 0; i < 7; ++i) unread.push(received(whole));
  EXPECT_FALSE(unread.must_pause());
  unread.push(received(whole));
  EXPECT_TRUE(unread.must_pause());
  EXPECT_FALSE(unread.may_resume());
  for (int i = 0; i < 3; ++i) unread.pop();
  EXPECT_FALSE(unread.may_resume()) << "5 of 8";
  unread.pop();
  EXPECT_TRUE(unread.may_resume());
}

TEST_F(inbound_test, gives_slots_back_when_it_goes) {
  {
    inbound dropped(slot_bytes);
    dropped.push(received("never read"));
    EXPECT_EQ(pool.slots_in_use(), 1u);
  }
  EXPECT_EQ(pool.slots_in_use(), 0u);
}

} // namespace
} // namespace weir::test
