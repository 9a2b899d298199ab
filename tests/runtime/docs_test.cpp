// The examples of docs/insight.md, as they stand there.
#include <weir/async/run.hpp>
#include <weir/async/when_any.hpp>
#include <weir/runtime/dump.hpp>
#include <weir/runtime/inspector.hpp>
#include <weir/runtime/watchdog.hpp>

#include <support/coroutine_fixture.hpp>
#include <unistd.h>

#include <csignal>
#include <filesystem>
#include <fstream>
#include <sstream>

namespace weir::test {
namespace {

// [serve]
int serve(loop& home, task<> service, const std::string& inspect_path) {
  const metrics_registry::membership shown(home, "main"); // others may look at this loop
  const watchdog guard;                                   // says on stderr which handler is stuck
  const auto window = inspector::open(inspect_path);      // weir top, curl --unix-socket, Prometheus
  if (!window) return 1;
  run(home, std::move(service));
  return 0;
}

// [dump]
task<result<>> serve_and_tell(task<result<>> service, signal_set asked) {
  auto told = co_await when_any(std::move(service), dump_on_signal(std::move(asked)));
  co_return std::get<0>(told.values);
}
// [end]

class insight_docs : public backend_test {};

TEST_P(insight_docs, a_program_that_can_be_looked_at) {
  const std::string path = "/tmp/weir_insight_docs_" + std::to_string(::getpid());
  auto service = [&]() -> task<> {
    EXPECT_TRUE(std::filesystem::exists(path));
    (void)co_await yield();
  };
  EXPECT_EQ(serve(on(), service(), path), 0);
  EXPECT_FALSE(std::filesystem::exists(path));
}

TEST_P(insight_docs, a_service_that_dumps_when_asked) {
  auto asked = signal_set::open({SIGUSR1});
  ASSERT_TRUE(asked);
  auto service = []() -> task<result<>> {
    (void)co_await yield();
    co_return result<>();
  };
  EXPECT_TRUE(run(serve_and_tell(service(), std::move(*asked))));
}

INSTANTIATE_TEST_SUITE_P(backends, insight_docs, on_each_backend(), name_of_backend);

TEST(insight_page, shows_only_code_that_is_run_here) {
  const auto text_of = [](const std::filesystem::path& path) {
    std::ostringstream text;
    text << std::ifstream(path).rdbuf();
    return text.str();
  };
  const std::filesystem::path here = __FILE__;
  const std::string page = text_of(here.parent_path() / "../../docs/insight.md"), code = text_of(here);
  int examples = 0;
  for (std::size_t at = page.find("```cpp\n"); at != std::string::npos; at = page.find("```cpp\n", at + 1)) {
    const std::size_t begin = at + 7;
    const std::string example = page.substr(begin, page.find("```", begin) - begin);
    EXPECT_NE(code.find(example), std::string::npos) << example;
    ++examples;
  }
  EXPECT_EQ(examples, 2);
}

} // namespace
} // namespace weir::test
