#include <weir/io/loop.hpp>
#include <weir/runtime/doorbell.hpp>

#include <gtest/gtest.h>

#include <memory>

namespace weir {
namespace {

struct counting_bell : doorbell {
  counting_bell() : doorbell([](doorbell& self) noexcept { ++static_cast<counting_bell&>(self).heard; }) {}
  int heard = 0;
};

std::unique_ptr<loop> loop_of(doorbell& bell) {
  auto made = loop::create();
  EXPECT_TRUE(made);
  bell.install(**made);
  return std::move(*made);
}

TEST(doorbell_test, a_ring_is_heard_once_and_only_by_who_listens) {
  counting_bell bell;
  const std::unique_ptr<loop> home = loop_of(bell);
  bell.ring();
  home->turn(0);
  EXPECT_EQ(bell.heard, 0);
  bell.listen();
  bell.ring();
  bell.ring();
  home->turn(0);
  home->turn(0);
  EXPECT_EQ(bell.heard, 1);
  EXPECT_TRUE(bell.leave());
}

TEST(doorbell_test, a_ring_on_its_way_at_the_last_call_is_heard_before_the_loop_is_gone) {
  counting_bell bell;
  std::unique_ptr<loop> home = loop_of(bell);
  bell.listen();
  bell.ring();
  EXPECT_FALSE(bell.leave());
  home.reset();
  EXPECT_EQ(bell.heard, 1);
}

} // namespace
} // namespace weir
