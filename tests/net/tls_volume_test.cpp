// Much: 64 MiB both ways past a reader that stalls, in bounded memory; messages that allocate nothing.
#include "tls_ends.hpp"

#include <support/allocations.hpp>
#include <support/resident_memory.hpp>
#include <support/sanitized.hpp>

#include <array>
#include <cstring>

namespace weir::test {
namespace {

using tls_volume = tls_test;

constexpr std::size_t total_bytes = std::size_t{64} << 20;
constexpr std::size_t piece_bytes = std::size_t{1} << 20;

/// A piece of each megabyte: the pattern, told apart by its first bytes.
std::string numbered_piece(std::size_t number) {
  static const std::string piece = pattern(piece_bytes);
  std::string made = piece;
  std::memcpy(made.data(), &number, sizeof number);
  return made;
}

task<> write_volume(tls_stream& to, std::size_t& unsent_max) {
  for (std::size_t number = 0; number < total_bytes / piece_bytes; ++number) {
    const std::string piece = numbered_piece(number);
    for (std::size_t at = 0; at < piece.size();) {
      result<std::size_t> count = co_await to.write(bytes_of(piece).subspan(at));
      if (!count) {
        ADD_FAILURE() << count.error().message();
        co_return;
      }
      at += *count;
      unsent_max = std::max(unsent_max, to.unsent_bytes());
    }
  }
  result<> said = co_await to.shutdown();
  EXPECT_TRUE(said);
}

/// Reads all of it in pieces of its own, and stalls now and then.
task<std::size_t> read_volume(tls_stream& from) {
  std::size_t right_pieces = 0;
  std::string into(piece_bytes, '\0');
  for (std::size_t number = 0; number < total_bytes / piece_bytes; ++number) {
    if (number % 8 == 0) co_await turns(20);
    const transfer moved = co_await from.read_exactly(std::as_writable_bytes(std::span(into)));
    if (!moved) co_return right_pieces;
    right_pieces += into == numbered_piece(number) ? 1 : 0;
  }
  result<lease> end = co_await from.read();
  EXPECT_TRUE(end && end->empty());
  co_return right_pieces;
}

TEST_P(tls_volume, of_64_mib_each_way_passes_a_slow_reader_in_bounded_memory) {
  run([&]() -> task<> {
    tls_ends ends = co_await connected();
    forget_resident_peak();
    const std::size_t resident_before = resident_bytes();
    std::size_t unsent_max = 0;
    auto [there, back, sent, answered] =
        co_await when_all(read_volume(*ends.server), read_volume(*ends.client),
                          write_volume(*ends.client, unsent_max), write_volume(*ends.server, unsent_max));
    EXPECT_EQ(there, total_bytes / piece_bytes);
    EXPECT_EQ(back, total_bytes / piece_bytes);
    EXPECT_LE(unsent_max, std::size_t{64} << 10);
    // Credits and marks of two streams and the pieces in the test's own hands; 128 MiB have passed.
    const std::size_t grown_bytes = resident_peak_bytes() - std::min(resident_peak_bytes(), resident_before);
    EXPECT_TRUE(is_sanitized || grown_bytes < std::size_t{16} << 20) << grown_bytes;
  });
}

TEST_P(tls_volume, of_messages_in_steady_state_allocates_nothing) {
  if (is_sanitized) GTEST_SKIP() << "here OpenSSL's own allocations are counted as well";
  run([&]() -> task<> {
    tls_ends ends = co_await connected();
    std::array<std::byte, 64> message{}, received;
    bool all_right = true;
    const auto round_trip = [&](int number) -> task<> {
      std::memcpy(message.data(), &number, sizeof number);
      const transfer sent = co_await ends.client->write_all(message);
      const transfer there = co_await ends.server->read_exactly(received);
      const transfer answered = co_await ends.server->write_all(received);
      const transfer back = co_await ends.client->read_exactly(received);
      all_right = all_right && sent && there && answered && back && received == message;
    };
    for (int i = 0; i < 100; ++i) co_await round_trip(i);
    const std::uint64_t before = allocations_of_this_thread();
    for (int i = 0; i < 1000; ++i) co_await round_trip(i);
    EXPECT_EQ(allocations_of_this_thread() - before, 0u);
    EXPECT_TRUE(all_right);
  });
}

INSTANTIATE_TEST_SUITE_P(backends, tls_volume, over_tls_tcp(), name_of_both<carrier>);

} // namespace
} // namespace weir::test
