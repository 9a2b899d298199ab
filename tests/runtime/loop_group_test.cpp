// Loops on threads of their own: where they run, calls between them, their end.
#include "group_of_test.hpp"

#include <weir/async/event.hpp>
#include <weir/async/nursery.hpp>
#include <weir/async/operations.hpp>
#include <weir/async/shield.hpp>
#include <weir/async/sleep.hpp>

#include <pthread.h>
#include <sched.h>
#include <support/sanitized.hpp>

#include <array>
#include <atomic>
#include <latch>
#include <set>
#include <stdexcept>
#include <thread>

namespace weir::test {
namespace {

/// Until its scope ends.
task<result<>> forever() {
  event never(event_reset::manual);
  result<> ended = co_await never.wait();
  co_return ended;
}

/// Until a byte comes.
task<> raw_socket_read(int number) {
  std::array<std::byte, 1> byte;
  result<std::size_t> got = co_await async_receive(number, byte);
  EXPECT_TRUE(got);
}

class loop_group_test : public group_test {};

TEST_P(loop_group_test, runs_each_loop_on_a_thread_of_its_own) {
  loop_group& group = start(3);
  EXPECT_EQ(group.size(), 3u);
  std::set<std::thread::id> threads{std::this_thread::get_id()};
  for (unsigned i = 0; i < group.size(); ++i) {
    const auto where = [&]() -> task<std::thread::id> {
      EXPECT_EQ(loop::current(), &group[i]);
      EXPECT_EQ(group.current_index(), i);
      co_return std::this_thread::get_id();
    };
    threads.insert(group.call(i, where).value());
  }
  EXPECT_EQ(threads.size(), 4u);
  EXPECT_EQ(group.current_index(), std::nullopt);
}

TEST_P(loop_group_test, names_and_pins_its_threads_to_cores_that_are_allowed) {
  cpu_set_t allowed;
  ASSERT_EQ(::sched_getaffinity(0, sizeof allowed, &allowed), 0);
  loop_group_options wanted = options(3);
  wanted.pinned = true;
  wanted.name = "pinned";
  loop_group& group = start(wanted);
  for (unsigned i = 0; i < group.size(); ++i) {
    const auto look = [&]() -> task<> {
      cpu_set_t own;
      pthread_getaffinity_np(pthread_self(), sizeof own, &own);
      EXPECT_EQ(CPU_COUNT(&own), 1);
      cpu_set_t both;
      CPU_AND(&both, &own, &allowed);
      EXPECT_EQ(CPU_COUNT(&both), 1);
      std::array<char, 16> name{};
      pthread_getname_np(pthread_self(), name.data(), name.size());
      EXPECT_EQ(std::string(name.data()), "pinned-" + std::to_string(i));
      co_return;
    };
    EXPECT_TRUE(group.call(i, look));
  }
}

TEST_P(loop_group_test, by_default_has_a_loop_for_each_core_that_is_allowed) {
  cpu_set_t allowed;
  ASSERT_EQ(::sched_getaffinity(0, sizeof allowed, &allowed), 0);
  EXPECT_EQ(start(0).size(), static_cast<unsigned>(CPU_COUNT(&allowed)));
}

TEST_P(loop_group_test, says_which_loop_could_not_be_made_and_leaves_nothing) {
  if (is_sanitized && GetParam().is_io_uring())
    GTEST_SKIP() << "liburing's munmap is not seen: a ring where another thread's was looks like a race";
  loop_group_options wanted = options(3);
  wanted.name = "poor";
  const descriptor_limit few(2);
  auto made = loop_group::start(wanted);
  ASSERT_FALSE(made);
  EXPECT_NE(made.error().message().find("poor-"), std::string::npos) << made.error().message();
}

TEST_P(loop_group_test, carries_a_coroutine_out_there_and_answers_here) {
  loop_group& group = start(2);
  const auto ask = [&]() -> task<result<std::string>> {
    const std::thread::id here = std::this_thread::get_id();
    const auto there = [&]() -> task<std::string> {
      EXPECT_NE(std::this_thread::get_id(), here);
      result<> slept = co_await sleep_for(100us);
      EXPECT_TRUE(slept);
      co_return "an answer that needs memory of its own";
    };
    result<std::string> answer = co_await group.run_on(1, there);
    EXPECT_EQ(std::this_thread::get_id(), here);
    co_return answer;
  };
  EXPECT_EQ(group.call(0, ask).value(), "an answer that needs memory of its own");
}

TEST_P(loop_group_test, gives_errors_and_exceptions_back_to_who_asked) {
  loop_group& group = start(2);
  const auto ask = [&]() -> task<> {
    const auto refuse = []() -> task<result<int>> { co_return fail(errc::unroutable, "there"); };
    result<int> refused = co_await group.run_on(1, refuse);
    EXPECT_EQ(refused.error(), errc::unroutable);
    const auto break_down = []() -> task<int> {
      throw std::runtime_error("broken");
      co_return 1;
    };
    bool is_caught = false;
    try {
      result<int> never = co_await group.run_on(1, break_down);
      EXPECT_FALSE(never);
    } catch (const std::runtime_error& thrown) {
      is_caught = thrown.what() == std::string("broken");
    }
    EXPECT_TRUE(is_caught);
  };
  EXPECT_TRUE(group.call(0, ask));
}

TEST_P(loop_group_test, loops_ask_each_other_back_and_forth) {
  loop_group& group = start(3);
  const auto main = [&](unsigned index) -> task<result<>> {
    for (unsigned i = 0; i < 300; ++i) {
      const auto add = [&]() -> task<unsigned> { co_return i + 1; };
      result<unsigned> sum = co_await group.run_on((index + i) % group.size(), add); // itself, too
      if (!sum) co_return fail(sum.error());
      EXPECT_EQ(*sum, i + 1);
    }
    co_return result<>();
  };
  EXPECT_TRUE(group.run(main));
}

TEST_P(loop_group_test, a_cancellation_reaches_what_runs_there_and_is_awaited) {
  loop_group& group = start(2);
  const auto ask = [&]() -> task<> {
    bool has_cleaned_up = false;
    const auto there = [&]() -> task<result<>> {
      result<> ended = co_await forever();
      has_cleaned_up = true;
      co_return ended;
    };
    result<> late = co_await with_deadline(1ms, group.run_on(1, there));
    EXPECT_TRUE(late.error().is_timeout());
    EXPECT_TRUE(has_cleaned_up);
    const auto quick = []() -> task<int> { co_return 1; };
    for (int i = 0; i < 200; ++i) { // the cancellation meets the answer on its way
      result<int> one = co_await with_deadline(std::chrono::microseconds(i), group.run_on(1, quick));
      EXPECT_TRUE(one || one.error().is_timeout());
    }
  };
  EXPECT_TRUE(group.call(0, ask));
}

TEST_P(loop_group_test, refuses_more_calls_at_once_than_it_may_carry_out) {
  loop_group_options wanted = options(2);
  wanted.calls_max = 2;
  loop_group& group = start(wanted);
  const auto ask = [&]() -> task<> {
    const auto wait = [] { return forever(); };
    nursery waiting(nursery_options(2), co_await current_cancellation());
    for (int i = 0; i < 2; ++i) {
      result<> spawned = co_await waiting.spawn(group.run_on(1, wait));
      EXPECT_TRUE(spawned);
    }
    result<> passed = co_await yield();
    EXPECT_TRUE(passed);
    const auto quick = []() -> task<int> { co_return 1; };
    result<int> refused = co_await group.run_on(1, quick);
    EXPECT_EQ(refused.error(), errc::limit_reached);
    waiting.cancel();
    result<> joined = co_await waiting.join();
    result<int> served = co_await group.run_on(1, quick);
    EXPECT_TRUE(served);
  };
  EXPECT_TRUE(group.call(0, ask));
}

TEST_P(loop_group_test, stop_cancels_what_runs_and_waits_for_it) {
  loop_group& group = start(2);
  std::latch begun(2);
  std::atomic<int> cleaned_up{0};
  const auto main = [&](unsigned) -> task<result<>> {
    begun.count_down();
    result<> ended = co_await forever();
    ++cleaned_up;
    co_return ended;
  };
  std::thread runner([&] { EXPECT_TRUE(group.run(main).error().is_cancelled()); });
  begun.wait();
  EXPECT_TRUE(group.stop(30s));
  EXPECT_EQ(cleaned_up, 2);
  runner.join();
  const auto late = []() -> task<int> { co_return 1; };
  EXPECT_EQ(group.call(0, late).error(), errc::closed);
  EXPECT_TRUE(group.stop(1s)); // a second time
}

TEST_P(loop_group_test, stop_lists_what_does_not_end_in_time_and_can_be_repeated) {
  loop_group_options wanted = options(2);
  std::string listing;
  wanted.on_overdue = [&](std::string_view told) { listing = told; };
  loop_group& group = start(wanted);
  const connection pair = connect_pair(transport::local);
  std::latch begun(1);
  std::thread caller([&] {
    const auto stubborn = [&]() -> task<> {
      begun.count_down();
      co_await shield(raw_socket_read(pair.ours.get()));
    };
    EXPECT_TRUE(group.call(1, stubborn));
  });
  begun.wait();
  EXPECT_TRUE(group.stop(10ms).error().is_timeout());
  EXPECT_NE(listing.find("weir-1: 1 calls and 1 operations outstanding"), std::string::npos) << listing;
  EXPECT_NE(listing.find("loop_group_test.cpp"), std::string::npos) << listing;
  send_text(pair.theirs.get(), "x");
  EXPECT_TRUE(group.stop(30s));
  caller.join();
}

TEST_P(loop_group_test, a_loop_that_fails_ends_the_others_and_is_the_outcome) {
  loop_group& group = start(3);
  const auto main = [&](unsigned index) -> task<result<>> {
    if (index == 1) co_return fail(errc::protocol, "broken");
    result<> ended = co_await forever();
    co_return ended;
  };
  EXPECT_EQ(group.run(main).error(), errc::protocol);
}

TEST_P(loop_group_test, an_exception_of_one_loop_ends_the_others_and_passes) {
  loop_group& group = start(2);
  const auto main = [&](unsigned index) -> task<result<>> {
    if (index == 1) throw std::runtime_error("broken");
    result<> ended = co_await forever();
    co_return ended;
  };
  EXPECT_THROW((void)group.run(main), std::runtime_error);
}

TEST_P(loop_group_test, restarts_the_root_of_a_loop_as_its_policy_says) {
  loop_group& group = start(2);
  std::atomic<int> reports{0};
  restart_policy policy(3, 1min, 1us, 1us);
  policy.on_failure = [&](const restart_report& told) {
    EXPECT_EQ(told.decision, restart_decision::restart);
    ++reports;
  };
  std::array<int, 2> attempts{};
  const auto main = [&](unsigned index) -> task<result<>> {
    if (++attempts[index] < 3) throw std::runtime_error("broken");
    co_return result<>();
  };
  EXPECT_TRUE(group.run(main, policy));
  EXPECT_EQ(attempts, (std::array<int, 2>{3, 3}));
  EXPECT_EQ(reports, 4);
}

INSTANTIATE_TEST_SUITE_P(backends, loop_group_test, on_each_backend(), name_of_backend);

} // namespace
} // namespace weir::test
