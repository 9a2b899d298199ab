#include "async_test.hpp"

#include <weir/async/step_back.hpp>
#include <weir/async/when_all.hpp>

namespace weir {
namespace {

using step_back_test = async_test;

TEST_F(step_back_test, lets_those_run_first_who_were_woken_before_in_the_same_turn) {
  trace seen;
  std::uint64_t turns = 0;
  const auto steps = [&](char name) -> task<> {
    for (int i = 0; i < 3; ++i) {
      seen += name;
      co_await step_back();
    }
  };
  auto main = [&]() -> task<> {
    const std::uint64_t before = on().counters().turns;
    co_await when_all(steps('a'), steps('b'));
    turns = on().counters().turns - before;
  };
  run(main());
  EXPECT_EQ(seen, "ababab");
  EXPECT_EQ(turns, 0u);
}

} // namespace
} // namespace weir
