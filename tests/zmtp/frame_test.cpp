// One part of a message: what is copied, what is shared, and when memory is free again.
#include <weir/base/buffer_pool.hpp>
#include <weir/zmtp/frame.hpp>

#include <gtest/gtest.h>

#include <cstring>
#include <string>
#include <string_view>

namespace weir::zmtp {
namespace {

class frame_test : public testing::Test {
 protected:
  lease received(std::string_view text) {
    lease slot = pool.acquire();
    std::memcpy(slot.writable().data(), text.data(), text.size());
    slot.truncate(text.size());
    return slot;
  }
  static std::span<const std::byte> bytes_of(std::string_view text) { return std::as_bytes(std::span(text)); }

  static constexpr std::size_t slot_bytes = 4096;
  const std::string small = std::string(frame::inline_max, 's');
  const std::string large = std::string(frame::inline_max + 1, 'l');
  buffer_pool pool{buffer_pool_options{slot_bytes, 8 * slot_bytes}};
};

TEST_F(frame_test, is_empty_when_new) {
  const frame made;
  EXPECT_TRUE(made.empty());
  EXPECT_EQ(made.size(), 0u);
  EXPECT_EQ(made.text(), "");
  EXPECT_NE(made.data(), nullptr);
}

TEST_F(frame_test, copies_bytes_of_any_size) {
  for (const std::size_t size : {0u, 1u, 29u, 30u, 31u, 32u, 255u, 100'000u}) {
    std::string text(size, 'x');
    const frame made{std::string_view(text)};
    text.assign(size, 'y');
    EXPECT_EQ(made.text(), std::string(size, 'x'));
    EXPECT_EQ(made.size(), size);
    EXPECT_EQ(made.bytes().size(), size);
    EXPECT_TRUE(made == std::string(size, 'x'));
  }
}

TEST_F(frame_test, equals_another_with_the_same_bytes_however_they_are_kept) {
  for (std::size_t size = 0; size < 70; ++size) {
    std::string text(size, 'x');
    const frame kept{std::string_view(text)};
    EXPECT_TRUE(kept == frame::borrowed(bytes_of(text)));
    EXPECT_FALSE(kept == frame(std::string_view(text + "x")));
    EXPECT_EQ(kept.equals_short(frame(std::string_view(text))), size >= 4 && size <= 16);
    EXPECT_FALSE(kept.equals_short(frame(std::string_view(text + "x"))));
    EXPECT_FALSE(kept.equals_short(frame::borrowed(bytes_of(text)))) << "takes more than a look";
    for (char& letter : text) {
      letter = 'y';
      EXPECT_FALSE(kept == frame(std::string_view(text))) << "of " << size;
      EXPECT_FALSE(kept.equals_short(frame(std::string_view(text)))) << "of " << size;
      letter = 'x';
    }
  }
}

TEST_F(frame_test, is_assigned_a_part_of_itself) {
  frame whole(std::string_view("0123456789"));
  whole.assign(whole.text().substr(2, 3));
  EXPECT_EQ(whole.text(), "234");
  frame shared(received(large));
  shared.assign_share(shared);
  EXPECT_EQ(shared.text(), large);
  shared.assign(shared.text().substr(1, 4));
  EXPECT_EQ(shared.text(), "llll");
  EXPECT_EQ(pool.slots_in_use(), 0u);
}

TEST_F(frame_test, moves_along_a_block_without_counting) {
  lease slot = received(large + small + large);
  block& owner = *slot.owner();
  frame moving;
  EXPECT_FALSE(moving.try_assign_slice(owner, slot.data(), large.size(), slot.size())) << "nothing to reuse";
  moving.assign_slice(owner, slot.data(), large.size());
  const std::uint32_t references = owner.references;
  const std::byte* const second = slot.data() + large.size() + small.size();
  EXPECT_TRUE(moving.try_assign_slice(owner, second, large.size(), large.size()));
  EXPECT_EQ(moving.data(), second);
  EXPECT_EQ(owner.references, references);

  const lease other = received(large);
  EXPECT_FALSE(moving.try_assign_slice(*other.owner(), other.data(), large.size(), large.size()));
  EXPECT_EQ(moving.data(), second);
  EXPECT_FALSE(moving.try_assign_slice(owner, slot.data(), small.size(), slot.size()))
      << "has to let go first";
  EXPECT_EQ(moving.data(), second);
  EXPECT_FALSE(moving.try_assign_share(frame("x")));
  EXPECT_EQ(moving.data(), second);
}

TEST_F(frame_test, takes_small_bodies_inside_without_a_call) {
  const lease slot = received(small + small);
  frame inside("before");
  EXPECT_TRUE(inside.try_assign_slice(*slot.owner(), slot.data(), 3, slot.size()));
  EXPECT_EQ(inside.text(), "sss");
  EXPECT_FALSE(inside.try_assign_slice(*slot.owner(), slot.data(), 3, frame::inline_max - 1));
  EXPECT_TRUE(inside.try_assign_share(frame("other")));
  EXPECT_EQ(inside.text(), "other");
  EXPECT_FALSE(inside.try_assign_share(frame(std::string_view(large))));
  EXPECT_EQ(inside.text(), "other");
  EXPECT_EQ(slot.owner()->references, 1u);
}

TEST_F(frame_test, of_a_small_lease_frees_the_buffer) {
  const frame made(received(small));
  EXPECT_EQ(made.text(), small);
  EXPECT_EQ(pool.slots_in_use(), 0u);
}

TEST_F(frame_test, of_a_large_lease_keeps_it) {
  {
    lease slot = received(large);
    const std::byte* where = slot.data();
    const frame made(std::move(slot));
    EXPECT_EQ(made.data(), where);
    EXPECT_EQ(made.text(), large);
    EXPECT_EQ(pool.slots_in_use(), 1u);
  }
  EXPECT_EQ(pool.slots_in_use(), 0u);
}

TEST_F(frame_test, moves_its_body_and_leaves_nothing) {
  for (const std::string& text : {small, large}) {
    frame from(received(text));
    frame to(std::move(from));
    EXPECT_EQ(to.text(), text);
    EXPECT_TRUE(from.empty());
    from = std::move(to);
    EXPECT_EQ(from.text(), text);
    EXPECT_TRUE(to.empty());
    frame& itself = from;
    from = std::move(itself);
    EXPECT_EQ(from.text(), text);
  }
  EXPECT_EQ(pool.slots_in_use(), 0u);
}

TEST_F(frame_test, replaced_gives_its_body_back) {
  frame made(received(large));
  made = frame("other");
  EXPECT_EQ(pool.slots_in_use(), 0u);
  made = frame(received(large));
  made.assign("other");
  EXPECT_EQ(pool.slots_in_use(), 0u);
  made = frame(received(large));
  made.assign_borrowed(bytes_of(large));
  EXPECT_EQ(pool.slots_in_use(), 0u);
  EXPECT_EQ(made.text(), large);
  made.clear();
  EXPECT_TRUE(made.empty());
}

TEST_F(frame_test, slice_copies_what_is_small_and_shares_what_is_large) {
  lease slot = received(std::string(100, 'a') + small + large);
  frame few, many;
  few.assign_slice(*slot.owner(), slot.data() + 100, small.size());
  many.assign_slice(*slot.owner(), slot.data() + 100 + small.size(), large.size());
  const std::byte* where = slot.data() + 100 + small.size();
  slot.reset();
  EXPECT_EQ(few.text(), small);
  EXPECT_EQ(many.text(), large);
  EXPECT_EQ(many.data(), where);
  EXPECT_EQ(pool.slots_in_use(), 1u);
  many.clear();
  EXPECT_EQ(pool.slots_in_use(), 0u);
  EXPECT_EQ(few.text(), small);
}

TEST_F(frame_test, shares_what_has_an_owner_and_copies_the_rest) {
  const frame inside{std::string_view(small)};
  EXPECT_EQ(inside.share().text(), small);

  frame owner(received(large));
  const frame second = owner.share();
  EXPECT_EQ(second.data(), owner.data());
  owner.clear();
  EXPECT_EQ(second.text(), large);

  std::string memory = large;
  const frame borrowed = frame::borrowed(bytes_of(memory));
  const frame copy = borrowed.share();
  memory.assign(memory.size(), '!');
  EXPECT_EQ(borrowed.text(), memory) << "it refers to the caller's memory";
  EXPECT_EQ(copy.text(), large);
}

TEST_F(frame_test, borrowed_may_be_empty) {
  const frame nothing = frame::borrowed({});
  EXPECT_TRUE(nothing.empty());
  EXPECT_NE(nothing.data(), nullptr) << "memcpy takes no null pointer, not even for 0 bytes";
  EXPECT_EQ(nothing.text(), "");
  EXPECT_NE(nothing.data(), nullptr);
  EXPECT_TRUE(nothing.share().empty());
}

TEST_F(frame_test, detached_shares_no_memory) {
  std::string memory = large;
  frame borrowed = frame::borrowed(bytes_of(memory));
  borrowed.detach();
  memory.assign(memory.size(), '!');
  EXPECT_EQ(borrowed.text(), large);

  frame shared(received(large));
  shared.detach();
  EXPECT_EQ(pool.slots_in_use(), 0u);
  EXPECT_EQ(shared.text(), large);

  frame inside{std::string_view(small)};
  inside.detach();
  EXPECT_EQ(inside.text(), small);
}

TEST_F(frame_test, gives_a_lease_on_a_body_with_an_owner) {
  frame shared(received(large));
  const lease body = shared.share_lease();
  shared.clear();
  EXPECT_EQ(std::string_view(reinterpret_cast<const char*>(body.data()), body.size()), large);
  EXPECT_TRUE(frame{std::string_view(small)}.share_lease().empty());
  EXPECT_TRUE(frame::borrowed(bytes_of(large)).share_lease().empty());
}

} // namespace
} // namespace weir::zmtp
