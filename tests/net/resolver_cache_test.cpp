#include <gtest/gtest.h>
#include <net/resolver_cache.hpp>
#include <support/allocations.hpp>

#include <memory>
#include <new>
#include <string>

namespace weir::test {
namespace {

shared_answer answer_named(const std::string& host) {
  name_answer made;
  made.host = host;
  return std::make_shared<const name_answer>(std::move(made));
}

TEST(resolver_cache_test, what_found_no_memory_is_not_kept_and_counts_for_nothing) {
  const std::string key = "2 a name that is too long to be kept in place.example";
  for (std::uint64_t nth = 1; nth <= 8; ++nth) {
    resolver_cache cache(4, 1 << 20);
    const shared_answer answer = answer_named("one");
    std::string copy = key;
    if (!fail_allocation(nth)) GTEST_SKIP() << "this build does not let allocations fail";
    bool has_failed = false;
    try {
      cache.keep(std::move(copy), answer, 100);
    } catch (const std::bad_alloc&) {
      has_failed = true;
    }
    const std::unique_ptr<int> takes_the_failure(has_failed ? nullptr : new (std::nothrow) int(0));
    EXPECT_EQ(cache.entries(), has_failed ? 0u : 1u);
    EXPECT_EQ(cache.bytes() == 0, has_failed);
    EXPECT_EQ(cache.find(key, 0) == nullptr, has_failed);
    for (int i = 0; i < 10; ++i) cache.keep(std::to_string(i), answer_named("more"), 100);
    EXPECT_EQ(cache.entries(), 4u);
    EXPECT_NE(cache.find("9", 0), nullptr);
    if (!has_failed) return; // there are no more places at which it could
  }
  FAIL() << "an allocation failed each time";
}

TEST(resolver_cache_test, forgets_in_time_and_the_least_recently_used_at_its_bounds) {
  resolver_cache cache(2, 1 << 20);
  cache.keep("a", answer_named("a"), 100);
  cache.keep("b", answer_named("b"), 200);
  EXPECT_NE(cache.find("a", 99), nullptr);
  cache.keep("c", answer_named("c"), 200);
  EXPECT_EQ(cache.find("b", 0), nullptr);
  EXPECT_EQ(cache.find("a", 100), nullptr);
  EXPECT_NE(cache.find("c", 100), nullptr);
  EXPECT_EQ(cache.entries(), 1u);
  resolver_cache small(2, 100);
  small.keep("a", answer_named("a"), 100);
  EXPECT_EQ(small.entries(), 0u);
  EXPECT_EQ(small.bytes(), 0u);
}

} // namespace
} // namespace weir::test
