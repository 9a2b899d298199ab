// Short copies of every length: all of the range and nothing beside it. The blocks are as long as the ranges,
// so that AddressSanitizer sees what else is read.
#include <weir/base/copy_short.hpp>

#include <gtest/gtest.h>

#include <vector>

namespace weir {
namespace {

TEST(copy_short, copies_all_and_nothing_else) {
  constexpr std::byte untouched{0xee};
  for (std::size_t count = 0; count < 600; ++count) {
    std::vector<std::byte> from(count);
    for (std::size_t i = 0; i < count; ++i) from[i] = static_cast<std::byte>(i * 7 + count);
    std::vector<std::byte> to(count + 2, untouched);
    copy_short(to.data() + 1, from.data(), count);
    EXPECT_EQ(std::vector(to.begin() + 1, to.end() - 1), from) << count;
    EXPECT_EQ(to.front(), untouched) << count;
    EXPECT_EQ(to.back(), untouched) << count;
  }
}

} // namespace
} // namespace weir
