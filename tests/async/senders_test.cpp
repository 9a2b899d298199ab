// Senders of weir, told to receivers that know nothing of it.
#include "async_test.hpp"
#include "sender_algorithms.hpp"

#include <weir/async/operations.hpp>
#include <weir/async/senders.hpp>

#include <support/allocations.hpp>

#include <array>
#include <atomic>
#include <future>
#include <new>
#include <thread>

namespace weir {
namespace {

using test::told;
template <class T>
using notes = test::noting_receiver<T>;

class senders_test : public async_test {
 protected:
  /// Starts it in a turn and lets the loop turn until it has completed.
  template <class T, class Sender>
  told<T> outcome_of(Sender what, std::stop_token token = {}) {
    told<T> outcome;
    auto operation = exec::connect(std::move(what), notes<T>(outcome, std::move(token)));
    auto main = [&]() -> task<> {
      exec::start(operation);
      while (outcome.times == 0) co_await passes(1ms);
    };
    run(main());
    return outcome;
  }

  static task<> passes(std::chrono::nanoseconds duration) {
    const result<> slept = co_await sleep_for(duration);
    EXPECT_TRUE(slept);
  }
  static task<int> seven() { co_return 7; }
  static task<result<int>> after(std::chrono::nanoseconds duration, int value) {
    result<> slept = co_await sleep_for(duration);
    if (!slept) co_return fail(slept.error());
    co_return value;
  }
};
using senders_of_operations = with_script<senders_test>;

// --- the concepts of [exec], written down in sender_names.hpp ---

using task_sender = decltype(as_sender(std::declval<task<result<int>>>()));
static_assert(exec::sender<task_sender>);
static_assert(exec::scheduler<loop_scheduler>);
static_assert(exec::sender<decltype(exec::schedule(std::declval<loop_scheduler>()))>);
static_assert(exec::receiver<notes<int>>);
static_assert(exec::operation_state<exec::connect_result_t<task_sender, notes<int>>>);
static_assert(!std::is_move_constructible_v<exec::connect_result_t<task_sender, notes<int>>>);
static_assert(std::is_same_v<
              exec::completion_signatures_of_t<task_sender>,
              exec::completion_signatures<exec::set_value_t(int), //
                                          exec::set_error_t(error), exec::set_error_t(std::exception_ptr),
                                          exec::set_stopped_t()>>);
static_assert(
    std::is_same_v<exec::completion_signatures_of_t<decltype(as_sender(std::declval<task<>>()))>,
                   exec::completion_signatures<exec::set_value_t(), exec::set_error_t(std::exception_ptr)>>);

// --- as_sender ---

TEST_F(senders_test, of_a_task_completes_with_its_value) {
  EXPECT_EQ(outcome_of<int>(as_sender(seven())).value, 7);
  EXPECT_EQ(outcome_of<int>(as_sender(after(1ms, 8))).value, 8);
  auto nothing = []() -> task<> { co_return; };
  EXPECT_EQ(outcome_of<bool>(as_sender(nothing())).value, true);
}

TEST_F(senders_test, of_a_task_begins_when_it_is_started) {
  bool has_begun = false;
  auto begins = [&]() -> task<> {
    has_begun = true;
    co_return;
  };
  told<bool> outcome;
  {
    auto never_started = exec::connect(as_sender(begins()), notes<bool>(outcome));
  }
  EXPECT_FALSE(has_begun);
  EXPECT_EQ(outcome.times, 0);
}

TEST_F(senders_test, an_error_is_an_error_and_an_exception_too) {
  auto fails = []() -> task<result<int>> { co_return fail(errc::protocol, "greet"); };
  auto throws = []() -> task<result<int>> {
    throw std::runtime_error("broken");
    co_return 1;
  };
  const told<int> failed = outcome_of<int>(as_sender(fails()));
  EXPECT_EQ(failed.times, 1);
  EXPECT_EQ(failed.error, error(errc::protocol, "greet").message());
  EXPECT_EQ(outcome_of<int>(as_sender(throws())).error, "thrown: broken");
}

TEST_F(senders_of_operations, of_an_operation_completes_with_what_awaiting_it_gives) {
  std::array<std::byte, 8> bytes{};
  auto receives = [&] { return async_receive(3, bytes); };
  told<std::size_t> outcome;
  auto operation = exec::connect(as_sender(receives), notes<std::size_t>(outcome));
  auto main = [&]() -> task<> {
    exec::start(operation);
    EXPECT_EQ(backend().oldest()->kind(), operation_kind::receive);
    EXPECT_TRUE(backend().complete_oldest(5));
    while (outcome.times == 0) co_await passes(1ms);
  };
  run(main());
  EXPECT_EQ(outcome.value, 5u);
}

TEST_F(senders_test, of_a_function_can_be_connected_again_and_again) {
  int calls = 0;
  const auto repeated = as_sender([&calls] {
    ++calls;
    return async_nop();
  });
  for (int i = 0; i < 3; ++i) EXPECT_EQ(outcome_of<bool>(repeated).value, true);
  EXPECT_EQ(calls, 3);
}

TEST_F(senders_test, without_memory_for_the_frame_is_an_error) {
  frame_pool::trim();
  auto function = [] { return async_nop(); };
  told<bool> outcome;
  auto operation = exec::connect(as_sender(function), notes<bool>(outcome));
  auto main = [&]() -> task<bool> {
    if (!test::fail_allocation(1)) co_return false;
    exec::start(operation);
    co_return true;
  };
  if (!run(main())) GTEST_SKIP() << "this build does not let allocations fail";
  EXPECT_EQ(outcome.error, std::string("thrown: ") + std::bad_alloc().what());
}

/// A receiver that ends the operation which tells it.
struct ending_receiver {
  using receiver_concept = exec::receiver_tag;
  void set_value(int value) && noexcept { end(value); }
  template <class Why>
  void set_error(Why&&) && noexcept {
    end(-1);
  }
  void set_stopped() && noexcept { end(-2); }
  void end(int value) const noexcept {
    auto& ended = *kept;
    auto& note = *told;
    ended.reset(); // and with it this receiver
    note = value;
  }
  std::shared_ptr<void>* kept; ///< the operation
  int* told;
};

TEST_F(senders_test, may_be_destroyed_by_the_receiver_that_they_tell) {
  int told = 0;
  std::shared_ptr<void> kept;
  using ending_operation = exec::connect_result_t<task_sender, ending_receiver>;
  auto* const operation =
      new ending_operation(as_sender(after(1ms, 9)).connect(ending_receiver{&kept, &told}));
  kept.reset(operation);
  auto main = [&]() -> task<> {
    exec::start(*operation);
    while (told == 0) co_await passes(1ms);
  };
  run(main());
  EXPECT_EQ(told, 9);
  EXPECT_EQ(kept, nullptr);
}

// --- stop requests ---

TEST_F(senders_test, a_stop_that_was_requested_before_starts_nothing) {
  std::stop_source stop;
  stop.request_stop();
  EXPECT_TRUE(outcome_of<int>(as_sender(after(1h, 1)), stop.get_token()).was_stopped);
  EXPECT_EQ(on().answers_owed(), 0u);
}

TEST_F(senders_test, a_stop_request_reaches_what_is_awaited) {
  std::stop_source stop;
  told<int> outcome;
  auto operation = exec::connect(as_sender(after(1h, 1)), notes<int>(outcome, stop.get_token()));
  auto main = [&]() -> task<> {
    exec::start(operation);
    co_await yields(2);
    stop.request_stop();
    EXPECT_EQ(outcome.times, 0) << "told inside of the request";
    while (outcome.times == 0) co_await passes(1ms);
  };
  run(main());
  EXPECT_TRUE(outcome.was_stopped);
  EXPECT_EQ(outcome.times, 1);
}

TEST_F(senders_of_operations, a_success_that_a_stop_request_races_with_is_a_success) {
  std::array<std::byte, 8> bytes{};
  auto receives = [&] { return async_receive(3, bytes); };
  std::stop_source stop;
  told<std::size_t> outcome;
  auto operation = exec::connect(as_sender(receives), notes<std::size_t>(outcome, stop.get_token()));
  auto main = [&]() -> task<> {
    exec::start(operation);
    EXPECT_TRUE(backend().complete_oldest(5));
    stop.request_stop();
    while (outcome.times == 0) co_await passes(1ms);
  };
  run(main());
  EXPECT_EQ(outcome.value, 5u);
  EXPECT_FALSE(outcome.was_stopped);
}

/// A loop on a thread of its own, for those who know no loop.
class loop_thread {
 public:
  explicit loop_thread(loop_options options = loop_options()) {
    std::promise<loop*> made;
    std::future<loop*> ready = made.get_future();
    thread_ = std::jthread([options, &made] {
      auto own = loop::create(options);
      loop* const on = own->get();
      made.set_value(on);
      on->run();
    });
    loop_ = ready.get();
  }
  ~loop_thread() { loop_->stop(); }
  loop& on() noexcept { return *loop_; }

 private:
  std::jthread thread_;
  loop* loop_ = nullptr;
};

TEST(senders_of_other_threads, are_started_on_the_loop_and_waited_for) {
  loop_thread elsewhere;
  auto body = [&]() -> task<result<int>> {
    EXPECT_EQ(loop::current(), &elsewhere.on());
    result<> slept = co_await sleep_for(1ms);
    if (!slept) co_return fail(slept.error());
    co_return 20;
  };
  const auto chain = [&] {
    return test::then(test::starts_on(loop_scheduler(elsewhere.on()), as_sender(body)),
                      [](int value) { return value + 1; });
  };
  for (int i = 0; i < 10; ++i) EXPECT_EQ(test::sync_wait<int>(chain()).value, 21);
}

TEST(senders_of_other_threads, are_stopped_from_there) {
  loop_thread elsewhere;
  std::atomic<bool> has_begun = false;
  std::stop_source stop;
  auto body = [&]() -> task<result<>> {
    has_begun = true;
    has_begun.notify_one();
    co_return co_await sleep_for(1h);
  };
  std::jthread asks([&] {
    has_begun.wait(false);
    stop.request_stop();
  });
  EXPECT_TRUE(test::sync_wait<bool>(test::starts_on(loop_scheduler(elsewhere.on()), as_sender(body)),
                                    stop.get_token())
                  .was_stopped);
}

TEST(senders_of_other_threads, complete_once_whenever_the_stop_is_requested) {
  loop_thread elsewhere;
  int stopped = 0;
  constexpr int rounds = 500;
  for (int i = 0; i < rounds; ++i) {
    std::stop_source stop;
    std::atomic<bool> has_begun = false;
    auto body = [&]() -> task<result<>> {
      has_begun = true;
      has_begun.notify_one();
      for (int turn = 0; turn < i % 5; ++turn) {
        result<> passed = co_await yield();
        if (!passed) co_return passed;
      }
      co_return result<>();
    };
    std::jthread asks([&] {
      has_begun.wait(false);
      stop.request_stop();
    });
    const auto outcome = test::sync_wait<bool>(
        test::starts_on(loop_scheduler(elsewhere.on()), as_sender(body)), stop.get_token());
    ASSERT_EQ(outcome.times, 1);
    ASSERT_NE(outcome.value.has_value(), outcome.was_stopped);
    stopped += outcome.was_stopped ? 1 : 0;
  }
  EXPECT_LE(stopped, rounds);
}

// --- loop_scheduler ---

TEST_F(senders_test, schedule_comes_in_a_later_turn) {
  EXPECT_EQ(outcome_of<bool>(loop_scheduler(on()).schedule()).value, true);
  EXPECT_EQ(loop_scheduler(on()), loop_scheduler(on()));
  const auto what = loop_scheduler(on()).schedule();
  EXPECT_EQ(exec::get_completion_scheduler<exec::set_value_t>(exec::get_env(what)), loop_scheduler(on()));
}

TEST_F(senders_test, schedule_heeds_a_stop_until_its_turn_comes) {
  std::stop_source stop;
  stop.request_stop();
  EXPECT_TRUE(outcome_of<bool>(loop_scheduler(on()).schedule(), stop.get_token()).was_stopped);
}

TEST(loop_scheduler_test, at_the_bound_of_the_inbox_is_refused) {
  loop_options options;
  options.inbox_max = 1;
  auto narrow = loop::create(options);
  ASSERT_TRUE(narrow);
  told<bool> first, second;
  auto takes_the_place = exec::connect(loop_scheduler(**narrow).schedule(), notes<bool>(first));
  auto is_refused = exec::connect(loop_scheduler(**narrow).schedule(), notes<bool>(second));
  exec::start(takes_the_place);
  exec::start(is_refused);
  EXPECT_EQ(second.error, error(errc::limit_reached, "schedule").message());
  (*narrow)->turn(0);
  EXPECT_EQ(first.value, true);
}

} // namespace
} // namespace weir
