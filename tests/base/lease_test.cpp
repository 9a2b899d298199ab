#include <weir/base/lease.hpp>

#include <gtest/gtest.h>

#include <array>
#include <cstring>
#include <limits>
#include <new>
#include <string>
#include <string_view>

namespace weir {
namespace {

std::span<const std::byte> bytes_of(std::string_view text) {
  return std::as_bytes(std::span(text));
}

std::string text_of(const lease& from) {
  return {reinterpret_cast<const char*>(from.data()), from.size()};
}

/// A block on the stack that counts how often it came home.
struct counted_block : block {
  counted_block() noexcept {
    data = memory.data();
    capacity_bytes = static_cast<std::uint32_t>(memory.size());
    references = 1;
    release = [](block& self) noexcept { ++static_cast<counted_block&>(self).returned; };
  }
  lease whole() noexcept { return {*this, memory.data(), memory.size()}; }

  std::array<std::byte, 16> memory{};
  int returned = 0;
};

TEST(lease, empty_owns_nothing) {
  const lease none;
  EXPECT_TRUE(none.empty());
  EXPECT_EQ(none.size(), 0u);
  EXPECT_EQ(none.pinned_bytes(), 0u);
  EXPECT_EQ(none.owner(), nullptr);
  EXPECT_FALSE(none.is_sole_owner());
}

TEST(lease, the_block_goes_home_with_the_last_share) {
  counted_block owner;
  {
    lease whole = owner.whole();
    EXPECT_TRUE(whole.is_sole_owner());
    lease part = whole.share(4, 8);
    EXPECT_FALSE(whole.is_sole_owner());
    EXPECT_EQ(part.data(), whole.data() + 4);
    EXPECT_EQ(part.size(), 8u);
    EXPECT_EQ(part.pinned_bytes(), 16u);
    whole.reset();
    EXPECT_EQ(owner.returned, 0);
    EXPECT_TRUE(part.is_sole_owner());
    const lease part_of_part = part.share();
    EXPECT_EQ(part_of_part.data(), part.data());
  }
  EXPECT_EQ(owner.returned, 1);
}

TEST(lease, moving_passes_the_reference_on) {
  counted_block first, second;
  lease one = first.whole();
  lease two = std::move(one);
  EXPECT_TRUE(one.empty());
  EXPECT_EQ(one.owner(), nullptr);
  EXPECT_EQ(first.returned, 0);

  lease target = second.whole();
  target = std::move(two);
  EXPECT_EQ(second.returned, 1) << "what the target held is given back";
  EXPECT_EQ(target.owner(), &first);

  lease& itself = target;
  target = std::move(itself);
  EXPECT_EQ(target.owner(), &first) << "assignment to itself keeps the bytes";
  target.reset();
  EXPECT_EQ(first.returned, 1);
}

TEST(lease, prefix_and_tail_can_be_cut_off) {
  lease word = lease::copy_of(bytes_of("hello world"));
  word.remove_prefix(6);
  EXPECT_EQ(text_of(word), "world");
  word.truncate(3);
  EXPECT_EQ(text_of(word), "wor");
  EXPECT_EQ(text_of(word.share(1, 2)), "or");
  word.remove_prefix(3);
  EXPECT_TRUE(word.empty());
  EXPECT_EQ(word.pinned_bytes(), 11u) << "an empty slice still pins its block";
}

TEST(lease, a_copy_is_independent_of_its_source) {
  std::string source = "abc";
  lease copy = lease::copy_of(bytes_of(source));
  source[0] = 'x';
  EXPECT_EQ(text_of(copy), "abc");
  copy.writable()[1] = std::byte{'B'};
  EXPECT_EQ(text_of(copy), "aBc");
  EXPECT_EQ(lease::copy_of({}).size(), 0u);
}

TEST(lease, appends_only_where_there_is_room_that_nobody_shares) {
  lease text = lease::allocate(8);
  std::memcpy(text.writable().data(), "abcd", 4);
  text.truncate(4);
  EXPECT_TRUE(text.try_append(bytes_of("ef")));
  EXPECT_EQ(text_of(text), "abcdef");
  EXPECT_FALSE(text.try_append(bytes_of("ghi"))) << "one byte too many";
  {
    const lease other = text.share();
    EXPECT_FALSE(text.try_append(bytes_of("g"))) << "the bytes behind may be another's";
  }
  EXPECT_TRUE(text.try_append(bytes_of("gh")));
  EXPECT_FALSE(text.try_append(bytes_of("i")));
  EXPECT_EQ(text_of(text), "abcdefgh");
  EXPECT_FALSE(lease{}.try_append(bytes_of("x")));
}

TEST(lease, the_owner_can_be_taken_out_and_put_back) {
  counted_block owner;
  lease held = owner.whole();
  block* taken = held.release_owner();
  EXPECT_EQ(taken, &owner);
  EXPECT_TRUE(held.empty());
  held.reset();
  EXPECT_EQ(owner.returned, 0);
  held = lease(*taken, owner.memory.data(), 2);
  held.reset();
  EXPECT_EQ(owner.returned, 1);
}

TEST(lease, refuses_a_block_too_large_to_count) {
  EXPECT_THROW(lease::allocate(std::size_t{std::numeric_limits<std::uint32_t>::max()} + 1), std::bad_alloc);
}

} // namespace
} // namespace weir
