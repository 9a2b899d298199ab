// The unsent bytes of a stream: gathered, in order, and given back as they leave.
#include <weir/base/buffer_pool.hpp>
#include <weir/net/outbound.hpp>

#include <gtest/gtest.h>
#include <support/sockets.hpp>

#include <array>
#include <cstring>
#include <random>
#include <string>
#include <string_view>

namespace weir::test {
namespace {

constexpr std::size_t chunk_bytes = 4096;

std::span<const std::byte> bytes_of(std::string_view text) {
  return std::as_bytes(std::span(text));
}

/// What a send of everything would put on the wire.
std::string content(outbound& of) {
  std::array<iovec, 1024> vectors;
  const std::size_t count = of.gather(vectors);
  std::string text;
  for (const iovec& each : std::span(vectors).first(count))
    text.append(static_cast<const char*>(each.iov_base), each.iov_len);
  EXPECT_EQ(text.size(), of.bytes());
  return text;
}

class outbound_test : public testing::Test {
 protected:
  buffer_pool pool{buffer_pool_options{chunk_bytes, 16 * chunk_bytes}};
  outbound unsent{pool};
  std::array<iovec, 8> vectors;
};

TEST_F(outbound_test, copies_small_writes_one_behind_the_other) {
  for (const char* word : {"one ", "two ", "three"}) unsent.append_copy(bytes_of(word));
  ASSERT_EQ(unsent.gather(vectors), 1u);
  EXPECT_EQ(content(unsent), "one two three");
  EXPECT_EQ(pool.slots_in_use(), 1u);
}

TEST_F(outbound_test, holds_no_memory_when_everything_is_sent) {
  unsent.append_copy(bytes_of("gone"));
  unsent.consume(4);
  EXPECT_TRUE(unsent.empty());
  EXPECT_EQ(unsent.gather(vectors), 0u);
  EXPECT_EQ(unsent.room_bytes(), 0u);
  EXPECT_EQ(pool.slots_in_use(), 0u);
}

TEST_F(outbound_test, does_not_copy_leases) {
  lease payload = lease::copy_of(bytes_of(std::string(50'000, 'p')));
  const std::byte* where = payload.data();
  unsent.append_copy(bytes_of("header"));
  unsent.append(std::move(payload));
  unsent.append_copy(bytes_of("trailer"));
  ASSERT_EQ(unsent.gather(vectors), 3u);
  EXPECT_EQ(vectors[1].iov_base, where);
  EXPECT_EQ(content(unsent), "header" + std::string(50'000, 'p') + "trailer");
  unsent.append(lease());
  EXPECT_EQ(unsent.gather(vectors), 3u) << "an empty lease is nothing to send";
}

TEST_F(outbound_test, takes_back_the_newest_bytes_wherever_they_lie) {
  const std::string text = "copied" + std::string(50'000, 'p') + std::string(chunk_bytes, 'c') + "end";
  for (const std::size_t count : {std::size_t{1}, std::size_t{3}, std::size_t{4}, chunk_bytes,
                                  chunk_bytes + 3, chunk_bytes + 10'000, text.size() - 1, text.size()}) {
    unsent.append_copy(bytes_of("copied"));
    unsent.append(lease::copy_of(bytes_of(std::string(50'000, 'p'))));
    unsent.append_copy(bytes_of(std::string(chunk_bytes, 'c') + "end"));
    unsent.take_back(count);
    EXPECT_EQ(unsent.bytes(), text.size() - count);
    if (unsent.empty()) {
      EXPECT_EQ(unsent.room_bytes(), 0u);
    }
    unsent.append_copy(bytes_of("more"));
    EXPECT_EQ(content(unsent), text.substr(0, text.size() - count) + "more");
    unsent.consume(unsent.bytes());
    EXPECT_EQ(pool.slots_in_use(), 0u);
  }
}

TEST_F(outbound_test, prepared_room_is_contiguous_and_counts_when_committed) {
  unsent.append_copy(bytes_of(std::string(chunk_bytes - 10, 'x')));
  std::byte* room = unsent.prepare(100);
  EXPECT_EQ(unsent.bytes(), chunk_bytes - 10);
  std::memset(room, 'y', 100);
  unsent.commit(60);
  EXPECT_EQ(content(unsent), std::string(chunk_bytes - 10, 'x') + std::string(60, 'y'));
  EXPECT_EQ(unsent.prepare(unsent.contiguous_max() - 60), room + 60);
}

TEST_F(outbound_test, bytes_that_the_kernel_has_stay_in_place_while_more_is_written) {
  unsent.append_copy(bytes_of("in the kernel's hands"));
  ASSERT_EQ(unsent.gather(vectors), 1u);
  const iovec given = vectors[0];
  for (int i = 0; i < 100; ++i) unsent.append_copy(bytes_of(std::string(100, '.')));
  EXPECT_EQ(std::string_view(static_cast<const char*>(given.iov_base), given.iov_len),
            "in the kernel's hands");
  unsent.consume(given.iov_len);
  EXPECT_EQ(content(unsent), std::string(10'000, '.'));
}

TEST_F(outbound_test, describes_the_oldest_bytes_when_there_are_more_pieces_than_vectors) {
  for (char letter = 'a'; letter < 'm'; ++letter)
    unsent.append(lease::copy_of(bytes_of(std::string(40, letter))));
  ASSERT_EQ(unsent.gather(vectors), 8u);
  EXPECT_EQ(*static_cast<const char*>(vectors[0].iov_base), 'a');
  unsent.consume(8 * 40);
  ASSERT_EQ(unsent.gather(vectors), 4u);
  EXPECT_EQ(*static_cast<const char*>(vectors[0].iov_base), 'i');
}

TEST_F(outbound_test, goes_to_the_heap_when_the_pool_is_used_up) {
  const std::string text = pattern(20 * chunk_bytes);
  unsent.append_copy(bytes_of(text));
  EXPECT_EQ(pool.slots_free(), 0u);
  EXPECT_EQ(content(unsent), text);
  unsent.consume(text.size());
  EXPECT_EQ(pool.slots_in_use(), 0u);
}

TEST_F(outbound_test, splices_what_another_one_holds_behind_its_own) {
  outbound other(pool);
  unsent.append_copy(bytes_of("first "));
  other.append_copy(bytes_of("second "));
  other.append(lease::copy_of(bytes_of("third ")));
  other.append_copy(bytes_of("fourth "));
  unsent.splice(other);
  EXPECT_TRUE(other.empty());
  EXPECT_EQ(content(other), "");
  other.append_copy(bytes_of("of its own again"));
  unsent.append_copy(bytes_of("fifth"));
  EXPECT_EQ(content(unsent), "first second third fourth fifth");
  EXPECT_EQ(content(other), "of its own again");
}

TEST_F(outbound_test, clears) {
  unsent.append_copy(bytes_of("copied"));
  unsent.append(lease::copy_of(bytes_of("leased")));
  unsent.clear();
  EXPECT_TRUE(unsent.empty());
  EXPECT_EQ(pool.slots_in_use(), 0u);
  unsent.append_copy(bytes_of("again"));
  EXPECT_EQ(content(unsent), "again");
}

/// Any mixture of writes and partial sends puts the bytes on the wire in the order in which they were
/// written.
TEST_F(outbound_test, keeps_the_order_whatever_is_mixed) {
  std::mt19937 random(7);
  const std::string text = pattern(400'000);
  std::size_t written = 0, sent = 0;
  while (sent < text.size()) {
    const std::size_t size =
        std::min<std::size_t>(random() % (random() % 8 == 0 ? 9000 : 90), text.size() - written);
    const auto piece = bytes_of(std::string_view(text).substr(written, size));
    if (random() % 4 == 0)
      unsent.append(lease::copy_of(piece));
    else
      unsent.append_copy(piece);
    written += size;
    if (random() % 3 != 0 && written < text.size()) continue;
    const std::size_t count = unsent.gather(vectors);
    std::string wire;
    for (const iovec& each : std::span(vectors).first(count))
      wire.append(static_cast<const char*>(each.iov_base), each.iov_len);
    wire.resize(wire.empty() ? 0 : 1 + random() % wire.size());
    ASSERT_EQ(wire, text.substr(sent, wire.size()));
    unsent.consume(wire.size());
    sent += wire.size();
  }
  EXPECT_EQ(pool.slots_in_use(), 0u);
}

} // namespace
} // namespace weir::test
