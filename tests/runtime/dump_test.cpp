#include "runtime_rig.hpp"

#include <weir/async/event.hpp>
#include <weir/async/operations.hpp>
#include <weir/async/sleep.hpp>
#include <weir/async/when_any.hpp>
#include <weir/async/with_deadline.hpp>
#include <weir/async/with_nursery.hpp>
#include <weir/net/stream.hpp>
#include <weir/runtime/dump.hpp>

#include <poll.h>
#include <support/coroutine_fixture.hpp>
#include <support/recorded.hpp>

#include <array>
#include <csignal>
#include <regex>

namespace weir::test {
namespace {

class dump_test : public backend_test {};

TEST_P(dump_test, lists_operations_streams_and_who_holds_received_memory) {
  loop_options tracing = options();
  tracing.buffers.trace_leases = true;
  reopen(tracing);
  run([&]() -> task<> {
    connection pair = connect_pair(transport::tcp);
    const int number = pair.ours.get();
    result<stream> ours = stream::adopt(std::move(pair.ours));
    EXPECT_TRUE(ours);
    const std::string hello = pattern(9000);
    send_text(pair.theirs.get(), hello);
    result<lease> held = co_await ours->read();
    EXPECT_TRUE(held && !held->empty());
    const std::string text = dump(on());
    const std::string descriptor = "descriptor " + std::to_string(number);
    EXPECT_TRUE(std::regex_search(text, std::regex("receive_many +" + descriptor))) << text;
    EXPECT_NE(text.find("stream         " + descriptor), std::string::npos) << text;
    EXPECT_NE(text.find("127.0.0.1:"), std::string::npos) << text;
    EXPECT_NE(text.find("lease          " + descriptor), std::string::npos) << text;
    EXPECT_NE(text.find("stream_core.cpp:"), std::string::npos) << text;
  });
}

TEST_P(dump_test, lists_the_children_of_nurseries_and_what_they_wait_for) {
  run([&]() -> task<> {
    connection pair = connect_pair(transport::tcp);
    event never(event_reset::manual);
    std::array<std::byte, 1> byte{};
    auto sleeper = []() -> task<result<>> { co_return co_await sleep_for(1h); };
    auto waits = [&]() -> task<result<>> { co_return co_await never.wait(); };
    auto receives = [&]() -> task<result<>> {
      const result<std::size_t> got = co_await async_receive(pair.ours.get(), byte);
      co_return got ? result<>() : fail(got.error());
    };
    auto body = [&](nursery& children) -> task<result<>> {
      for (int i = 0; i < 3; ++i) (void)co_await children.spawn(sleeper());
      (void)co_await children.spawn(waits());
      (void)co_await children.spawn(with_deadline(1h, receives()));
      co_await turns(2);
      const std::string text = dump(on());
      EXPECT_TRUE(std::regex_search(text, std::regex("nursery +5 of 7 children.*dump_test.cpp:"))) << text;
      EXPECT_TRUE(std::regex_search(text, std::regex("\n    3 in sleep\n"))) << text;
      EXPECT_TRUE(std::regex_search(text, std::regex("\n    1 in event\n"))) << text;
      EXPECT_TRUE(std::regex_search(text, std::regex("\n    1 in receive  .*dump_test.cpp:"))) << text;
      children.cancel();
      EXPECT_NE(dump(on()).find("asked to end"), std::string::npos);
      co_return result<>();
    };
    result<> ended = co_await with_nursery(nursery_options(7), body);
    EXPECT_TRUE(ended);
    EXPECT_EQ(dump(on()).find("nursery"), std::string::npos) << "one without children is not listed";
  });
}

TEST_P(dump_test, at_a_signal_tells_of_all_loops_and_goes_on) {
  metrics_registry registry;
  const metrics_registry::membership shown(on(), "main", registry);
  const running_loop other("other", registry);
  std::vector<std::string> dumps;
  run([&]() -> task<> {
    event told(event_reset::automatic);
    result<signal_set> signals = signal_set::open({SIGUSR1});
    EXPECT_TRUE(signals);
    task_of_work note([&] { told.set(); });
    auto write = [&](std::string_view text) {
      dumps.emplace_back(text);
      EXPECT_TRUE(on().post(note));
    };
    auto ask_twice = [&]() -> task<> {
      for (int i = 0; i < 2; ++i) {
        ::raise(SIGUSR1);
        result<> waited = co_await told.wait();
        EXPECT_TRUE(waited);
      }
    };
    (void)co_await when_any(dump_on_signal(std::move(*signals), write, registry), ask_twice());
  });
  ASSERT_EQ(dumps.size(), 2u);
  for (const std::string& text : dumps) {
    EXPECT_NE(text.find("loop main ("), std::string::npos) << text;
    EXPECT_NE(text.find("loop other"), std::string::npos) << text;
  }
}

INSTANTIATE_TEST_SUITE_P(backends, dump_test, on_each_backend(), name_of_backend);

TEST(dump_of_stuck_loops, says_what_holds_them_up) {
  using namespace std::chrono_literals;
  metrics_registry registry;
  running_loop stuck("stuck", registry);
  std::promise<void> held, released;
  nop op;
  op.then = [&] {
    held.set_value();
    released.get_future().wait();
  };
  stuck.start([&] { op.start(stuck.home()); });
  held.get_future().wait();
  const std::string text = dump_all(registry, 10ms);
  released.set_value();
  stuck.call([] {});
  EXPECT_NE(text.find("loop stuck does not answer"), std::string::npos) << text;
  EXPECT_NE(text.find("handler of nop"), std::string::npos) << text;
  EXPECT_NE(text.find("dump_test.cpp:"), std::string::npos) << text;
}

} // namespace
} // namespace weir::test
