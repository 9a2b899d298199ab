#include <weir/async/stop_bridge.hpp>

#include <gtest/gtest.h>

#include <atomic>
#include <functional>
#include <optional>
#include <thread>

namespace weir {
namespace {

TEST(scope_stop_source_test, runs_callbacks_once_and_those_that_come_late_at_once) {
  scope_stop_source source;
  int called = 0;
  auto count = [&]() noexcept { ++called; };
  using callback = scope_stop_source::callback<decltype(count)>;
  const scope_stop_source::token token(source);
  callback early(token, count);
  {
    callback gone(token, count);
  }
  EXPECT_FALSE(token.stop_requested());
  source.request();
  source.request();
  EXPECT_EQ(called, 1);
  callback late(token, count);
  EXPECT_EQ(called, 2);
  EXPECT_TRUE(token.stop_requested());
  EXPECT_FALSE(scope_stop_source::token().stop_possible());
}

TEST(scope_stop_source_test, a_callback_may_remove_itself) {
  scope_stop_source source;
  std::optional<scope_stop_source::callback<std::function<void()>>> self;
  self.emplace(scope_stop_source::token(source), std::function<void()>([&] { self.reset(); }));
  source.request();
  EXPECT_FALSE(self.has_value());
}

TEST(scope_stop_source_test, who_removes_a_callback_that_runs_elsewhere_waits_for_its_end) {
  for (int i = 0; i < 200; ++i) {
    scope_stop_source source;
    std::atomic<bool> runs = false;
    bool has_ended = false;
    auto slow = [&]() noexcept {
      runs = true;
      runs.notify_one();
      std::this_thread::yield();
      has_ended = true;
    };
    std::optional<scope_stop_source::callback<decltype(slow)>> callback;
    callback.emplace(scope_stop_source::token(source), slow);
    std::jthread requests([&] { source.request(); });
    runs.wait(false);
    callback.reset();
    EXPECT_TRUE(has_ended);
  }
}

} // namespace
} // namespace weir
