#include <weir/base/seqlock.hpp>

#include <gtest/gtest.h>

#include <atomic>
#include <thread>

namespace weir::test {
namespace {

struct three_alike {
  std::uint64_t first = 0, second = 0, third = 0;
};

TEST(seqlock_test, gives_what_was_written_last_and_counts_the_writes) {
  seqlock<three_alike> record;
  const std::uint64_t before = record.read().number;
  record.write({1, 1, 1});
  record.write({2, 2, 2});
  EXPECT_EQ(record.read().value.third, 2u);
  EXPECT_EQ(record.read().number, before + 2);
}

TEST(seqlock_test, is_never_seen_half_written) {
  seqlock<three_alike> record;
  constexpr std::uint64_t writes = 100'000;
  std::thread writer([&] {
    for (std::uint64_t i = 1; i <= writes; ++i) record.write({i, i, i});
  });
  std::uint64_t last = 0;
  while (last < writes) {
    const auto seen = record.read();
    EXPECT_EQ(seen.value.first, seen.value.second);
    EXPECT_EQ(seen.value.first, seen.value.third);
    EXPECT_GE(seen.value.first, last);
    last = seen.value.first;
  }
  writer.join();
}

} // namespace
} // namespace weir::test
