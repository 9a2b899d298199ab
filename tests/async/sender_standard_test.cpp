// The sender face under an implementation of [exec] that is not weir's: where stdexec is at hand (CMake:
// WEIR_STDEXEC_DIR; no Debian 12 package has it), its concepts are asked and its algorithms compose weir's
// senders.
#include <stdexec/execution.hpp>
#define WEIR_EXECUTION stdexec

#include <weir/async/operations.hpp>
#include <weir/async/run.hpp>
#include <weir/async/senders.hpp>
#include <weir/async/sleep.hpp>
#include <weir/async/with_deadline.hpp>

#include <gtest/gtest.h>

#include <chrono>
#include <future>
#include <thread>

namespace weir {
namespace {

using namespace std::chrono_literals;

task<result<int>> after(std::chrono::nanoseconds duration, int value) {
  result<> slept = co_await sleep_for(duration);
  if (!slept) co_return fail(slept.error());
  co_return value;
}

using nop_function = async_nop (*)();
using nop_sender = awaitable_sender<nop_function>;
static_assert(stdexec::sender<nop_sender>);
static_assert(stdexec::sender_in<nop_sender, stdexec::env<>>);
static_assert(stdexec::sender<decltype(as_sender(std::declval<task<result<int>>>()))>);
static_assert(stdexec::scheduler<loop_scheduler>);
static_assert(stdexec::stoppable_token<scope_stop_source::token>);

class sender_standard_test : public testing::Test {
 protected:
  sender_standard_test() {
    std::promise<loop*> made;
    std::future<loop*> ready = made.get_future();
    thread_ = std::jthread([&made] {
      auto own = loop::create();
      loop* const on = own->get();
      made.set_value(on);
      on->run();
    });
    loop_ = ready.get();
  }
  ~sender_standard_test() override { loop_->stop(); }

  loop_scheduler home() const noexcept { return loop_scheduler(*loop_); }

 private:
  std::jthread thread_;
  loop* loop_ = nullptr;
};

TEST_F(sender_standard_test, is_waited_for_with_sync_wait) {
  auto chain = stdexec::schedule(home()) |
               stdexec::let_value([] { return as_sender([] { return after(1ms, 20); }); }) |
               stdexec::then([](int value) { return value + 1; });
  auto [value] = stdexec::sync_wait(std::move(chain)).value();
  EXPECT_EQ(value, 21);
}

TEST_F(sender_standard_test, starts_on_a_loop_and_comes_back) {
  auto nop = [] { return async_nop(); };
  std::thread::id ran_on;
  auto chain = stdexec::starts_on(home(), as_sender(nop) |
                                              stdexec::then([&] { ran_on = std::this_thread::get_id(); }));
  EXPECT_TRUE(stdexec::sync_wait(std::move(chain)).has_value());
  EXPECT_NE(ran_on, std::this_thread::get_id());
  EXPECT_NE(ran_on, std::thread::id());
}

TEST_F(sender_standard_test, the_first_failure_stops_the_others) {
  auto fails = []() -> task<result<>> { co_return fail(errc::protocol, "greet"); };
  auto waits = [] { return after(1h, 1); };
  auto both = stdexec::schedule(home()) |
              stdexec::let_value([&] { return stdexec::when_all(as_sender(waits), as_sender(fails)); }) |
              stdexec::then([](int) { return std::string("succeeded"); }) | stdexec::upon_error([](auto why) {
                if constexpr (std::is_same_v<decltype(why), error>)
                  return why.message();
                else
                  return std::string("thrown");
              });
  auto [outcome] = stdexec::sync_wait(std::move(both)).value();
  EXPECT_EQ(outcome, error(errc::protocol, "greet").message());
}

TEST_F(sender_standard_test, a_stop_token_reaches_a_loop_from_another_thread) {
  stdexec::inplace_stop_source stop;
  auto waits = [] { return after(1h, 1); };
  std::promise<void> begun;
  auto chain = stdexec::schedule(home()) | stdexec::let_value([&] {
                 begun.set_value();
                 return as_sender(waits);
               });
  std::jthread asks([&] {
    begun.get_future().wait();
    stop.request_stop();
  });
  auto stoppable =
      stdexec::write_env(std::move(chain), stdexec::prop(stdexec::get_stop_token, stop.get_token()));
  EXPECT_FALSE(stdexec::sync_wait(std::move(stoppable)).has_value()) << "was to be stopped";
}

TEST(await_standard_sender, in_a_task) {
  auto home = loop::create();
  ASSERT_TRUE(home);
  auto main = []() -> task<result<int>> {
    auto two = stdexec::just(3, 4) | stdexec::then([](int a, int b) { return a * b; });
    co_return co_await await_sender(std::move(two));
  };
  EXPECT_EQ(run(**home, main()).value(), 12);
}

TEST(await_standard_sender, a_deadline_stops_it) {
  auto home = loop::create();
  ASSERT_TRUE(home);
  auto waits = [] { return after(1h, 1); };
  auto awaits = [&]() -> task<result<int>> {
    auto chain = as_sender(waits) | stdexec::then([](int value) { return value + 1; });
    co_return co_await await_sender(std::move(chain));
  };
  EXPECT_EQ(run(**home, with_deadline(1ms, awaits())).error(), std::errc::timed_out);
}

} // namespace
} // namespace weir
