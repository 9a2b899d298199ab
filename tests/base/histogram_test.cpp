#include <weir/base/histogram.hpp>

#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <cmath>
#include <memory>
#include <random>
#include <thread>
#include <vector>

namespace weir::test {
namespace {

constexpr std::uint64_t range_end = std::uint64_t{1} << histogram::value_bits;

TEST(histogram_test, buckets_follow_each_other_without_gap_or_overlap) {
  std::uint64_t next = 0;
  for (std::size_t i = 0; i < histogram::bucket_count; ++i) {
    ASSERT_EQ(histogram::bucket_of(next), i) << next;
    const std::uint64_t last = histogram::upper_bound_of(i);
    ASSERT_GE(last, next);
    ASSERT_EQ(histogram::bucket_of(last), i) << last;
    ASSERT_LE(static_cast<double>(last - next), static_cast<double>(next) / 16) << "wider than promised";
    next = last + 1;
  }
  EXPECT_EQ(next, range_end);
}

TEST(histogram_test, what_is_beyond_the_range_counts_in_the_last_bucket) {
  histogram seen;
  for (const std::uint64_t value : {range_end - 1, range_end, ~std::uint64_t{0}}) {
    EXPECT_EQ(histogram::bucket_of(value), histogram::bucket_count - 1);
    seen.record(value);
  }
  EXPECT_EQ(seen.count(), 3u);
  EXPECT_EQ(seen.max(), ~std::uint64_t{0});
  EXPECT_EQ(seen.percentile(100), ~std::uint64_t{0});
}

TEST(histogram_test, of_nothing_says_zero) {
  const histogram empty;
  EXPECT_EQ(empty.count(), 0u);
  EXPECT_EQ(empty.percentile(50), 0u);
  EXPECT_EQ(empty.mean(), 0);
}

TEST(histogram_test, small_values_are_exact) {
  histogram seen;
  for (std::uint64_t value = 0; value < 32; ++value) seen.record(value);
  EXPECT_EQ(seen.percentile(0), 0u);
  EXPECT_EQ(seen.percentile(50), 15u);
  EXPECT_EQ(seen.percentile(100), 31u);
  EXPECT_EQ(seen.count_up_to(9), 10u);
  EXPECT_EQ(seen.mean(), 15.5);
}

/// Values of every order of magnitude: as many between 1 and 2 as between 2^40 and 2^41.
std::vector<std::uint64_t> values_of_all_magnitudes(std::size_t count) {
  std::mt19937_64 random(1); // NOLINT: the same in every run
  std::uniform_real_distribution<double> exponent(0, histogram::value_bits);
  std::vector<std::uint64_t> values(count);
  for (std::uint64_t& value : values) value = static_cast<std::uint64_t>(std::exp2(exponent(random)));
  return values;
}

TEST(histogram_test, percentiles_are_within_a_sixteenth_above_the_true_ones) {
  std::vector<std::uint64_t> values = values_of_all_magnitudes(20'000);
  histogram seen;
  for (const std::uint64_t value : values) seen.record(value);
  std::ranges::sort(values);
  for (const double percent : {1.0, 10.0, 25.0, 50.0, 75.0, 90.0, 99.0, 99.9, 100.0}) {
    const auto rank = static_cast<std::size_t>(std::ceil(percent / 100 * static_cast<double>(values.size())));
    const std::uint64_t exact = values[rank - 1];
    const std::uint64_t told = seen.percentile(percent);
    EXPECT_GE(told, exact) << percent;
    EXPECT_LE(static_cast<double>(told - exact), static_cast<double>(exact) / 16) << percent;
  }
}

TEST(histogram_test, merged_ones_say_what_one_that_saw_all_says) {
  const std::vector<std::uint64_t> values = values_of_all_magnitudes(1'000);
  histogram whole, left, right;
  for (std::size_t i = 0; i < values.size(); ++i) {
    whole.record(values[i]);
    (i % 3 == 0 ? left : right).record(values[i]);
  }
  left.merge(right);
  EXPECT_EQ(left.count(), whole.count());
  EXPECT_EQ(left.sum(), whole.sum());
  EXPECT_EQ(left.max(), whole.max());
  for (double percent = 0; percent <= 100; percent += 5)
    EXPECT_EQ(left.percentile(percent), whole.percentile(percent));
}

TEST(histogram_test, a_copy_stands_still) {
  histogram seen;
  seen.record(5);
  const histogram copy = seen;
  seen.record(7);
  EXPECT_EQ(copy.count(), 1u);
  EXPECT_EQ(copy.max(), 5u);
  EXPECT_EQ(seen.count(), 2u);
}

TEST(histogram_test, is_read_while_another_thread_records) {
  const auto shared = std::make_unique<histogram>();
  constexpr std::uint64_t values = 200'000;
  std::thread writer([&] {
    for (std::uint64_t i = 1; i <= values; ++i) shared->record(i % 1000);
  });
  std::uint64_t last = 0;
  while (last < values) {
    const std::uint64_t now = shared->count();
    EXPECT_GE(now, last) << "a count went back";
    EXPECT_LT(shared->percentile(99), 1024u);
    last = now;
  }
  writer.join();
  EXPECT_EQ(shared->count(), values);
}

} // namespace
} // namespace weir::test
