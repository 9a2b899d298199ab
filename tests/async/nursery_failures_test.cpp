// Who is told of a task that failed, and of which.
#include "async_test.hpp"

#include <weir/async/nursery.hpp>

#include <stdexcept>
#include <string>
#include <vector>

namespace weir {
namespace {

class nursery_failures_test : public async_test {};

TEST_F(nursery_failures_test, tells_which_task_failed) {
  std::vector<failure> reported;
  const unsigned line_before = __LINE__;
  auto main = [&]() -> task<> {
    nursery_options options(10, nursery_policy::isolate);
    options.on_failure = [&](const failure& why) { reported.push_back(why); };
    nursery children(std::move(options));
    EXPECT_TRUE(children.try_spawn(throws("one")));
    result<> spawned = co_await children.spawn(fails(errc::protocol));
    EXPECT_TRUE(spawned);
    result<> joined = co_await children.join();
    EXPECT_TRUE(joined);
  };
  run(main());
  ASSERT_EQ(reported.size(), 2u);
  EXPECT_EQ(reported[0].spawned_at().line(), line_before + 5);
  EXPECT_EQ(reported[1].spawned_at().line(), line_before + 6);
  const std::string place = "nursery_failures_test.cpp:" + std::to_string(line_before + 5);
  EXPECT_NE(reported[0].report().find(place + ": exception: one"), std::string::npos) << reported[0].report();
  EXPECT_EQ(failure(error(errc::protocol, "x")).report(), failure(error(errc::protocol, "x")).message());
}

TEST_F(nursery_failures_test, by_an_exception_is_told_on_stderr_where_nobody_asked_to_be_told) {
  testing::internal::CaptureStderr();
  auto main = [&]() -> task<> {
    nursery children(nursery_options(10, nursery_policy::isolate));
    EXPECT_TRUE(children.try_spawn(throws("one")));
    EXPECT_TRUE(children.try_spawn(fails(errc::protocol))); // an outcome: connections end in many ways
    result<> joined = co_await children.join();
    EXPECT_TRUE(joined);
  };
  run(main());
  const std::string said = testing::internal::GetCapturedStderr();
  EXPECT_TRUE(said.starts_with("weir: task spawned at ")) << said;
  EXPECT_NE(said.find("nursery_failures_test.cpp:"), std::string::npos) << said;
  EXPECT_TRUE(said.ends_with(": exception: one\n")) << said;
}

} // namespace
} // namespace weir
