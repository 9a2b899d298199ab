#include "runtime_rig.hpp"

#include <weir/runtime/metrics_registry.hpp>

#include <gtest/gtest.h>

#include <atomic>
#include <future>
#include <thread>

namespace weir::test {
namespace {

using namespace std::chrono_literals;

TEST(metrics_registry_test, lists_loops_by_name_and_makes_names_unique) {
  metrics_registry registry;
  const auto first = make_loop(), second = make_loop();
  const metrics_registry::membership b(*first, "b", registry), a(*second, "a", registry),
      again(*first, "b", registry);
  EXPECT_EQ(again.name(), "b-2");
  std::string names;
  registry.for_each([&](const metrics_registry::member& each) { names += each.name + " "; });
  EXPECT_EQ(names, "a b b-2 ");
}

TEST(metrics_registry_test, a_loop_runs_the_visit_on_its_own_thread) {
  metrics_registry registry;
  const running_loop one("one", registry), two("two", registry);
  std::atomic<int> visits{0};
  const auto look = [&](const metrics_registry::member& member, loop& home) {
    EXPECT_EQ(loop::current(), &home);
    EXPECT_EQ(::gettid(), member.thread_id);
    ++visits;
  };
  EXPECT_TRUE(registry.visit_all(look, long_enough).empty());
  EXPECT_EQ(visits, 2);
}

TEST(metrics_registry_test, says_who_does_not_answer_and_leaves_it_alone_then) {
  metrics_registry registry;
  running_loop stuck("stuck", registry);
  const running_loop fine("fine", registry);
  std::promise<void> held, released;
  stuck.start([&] {
    held.set_value();
    released.get_future().wait();
  });
  held.get_future().wait();
  std::atomic<int> visits{0};
  const auto look = [&](const metrics_registry::member& member, loop&) {
    EXPECT_EQ(member.name, "fine");
    ++visits;
  };
  const std::vector<std::string> only_stuck{"stuck"};
  std::vector<std::string> silent;
  for (int attempt = 0; attempt < 500 && silent != only_stuck; ++attempt) // others may be slow, not for ever
    silent = registry.visit_all(look, 20ms);
  EXPECT_EQ(silent, only_stuck);
  released.set_value();
  stuck.call([] {}); // has turned since
  EXPECT_GE(visits, 1);
}

TEST(metrics_registry_test, from_a_loop_itself_its_own_visit_is_immediate) {
  metrics_registry registry;
  running_loop only("only", registry);
  bool is_silent = true;
  only.call([&] { is_silent = !registry.visit_all([](const auto&, loop&) {}, long_enough).empty(); });
  EXPECT_FALSE(is_silent);
}

TEST(metrics_registry_test, loops_come_and_go_while_others_look) {
  metrics_registry registry;
  std::atomic<bool> is_over{false};
  std::thread looks([&] {
    while (!is_over) (void)registry.visit_all([](const auto&, loop& home) { (void)home.dump(); }, 5ms);
  });
  for (int i = 0; i < 30; ++i) running_loop("short", registry).call([] {});
  is_over = true;
  looks.join();
}

} // namespace
} // namespace weir::test
