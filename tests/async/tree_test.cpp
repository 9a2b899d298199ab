// A small program made of every part of async/, ended at each of its steps in turn: by a cancellation and by
// an exception. Whatever the step: all tasks end, what was opened is closed, and no value is lost.
#include "async_test.hpp"

#include <weir/async/channel.hpp>
#include <weir/async/event.hpp>
#include <weir/async/operations.hpp>
#include <weir/async/shield.hpp>
#include <weir/async/when_all.hpp>
#include <weir/async/when_any.hpp>
#include <weir/async/with_deadline.hpp>
#include <weir/async/with_nursery.hpp>

#include <array>

namespace weir {
namespace {

struct injected : std::runtime_error {
  using std::runtime_error::runtime_error;
};

/// Counts the steps of a run and does something at one of them.
class step_counter {
 public:
  enum class act { cancel, raise };
  static constexpr int never = -1;

  step_counter(act what, int at, cancellation& scope) : scope_(scope), at_(at), what_(what) {}

  void operator()() {
    if (count_++ != at_) return;
    if (what_ == act::raise) throw injected("step " + std::to_string(at_));
    scope_.request();
  }
  int count() const noexcept { return count_; }

 private:
  cancellation& scope_;
  int at_;
  act what_;
  int count_ = 0;
};

class program {
 public:
  program(step_counter& step, scripted_proactor& backend) : step_(step), backend_(backend) {}

  task<result<int>> main() {
    auto body = [this](nursery& children) -> task<result<int>> { return run_in(children); };
    result<int> sum = co_await with_deadline(1h, with_nursery(nursery_options(3), body));
    step_();
    co_return sum;
  }

  void expect_nothing_lost() {
    int left = 0;
    while (result<int> value = numbers_.try_receive()) ++left;
    EXPECT_EQ(sent_, received_ + left);
    EXPECT_EQ(opened_, closed_);
  }

 private:
  task<result<int>> run_in(nursery& children) {
    for (int i = 0; i < 4; ++i) { // one more than there is room for
      step_();
      result<> spawned = co_await children.spawn(connection(i));
      if (!spawned) co_return fail(spawned.error());
    }
    step_();
    auto [produced, sum] = co_await when_all(produce(9), consume());
    step_();
    if (!produced) co_return fail(produced.error());
    co_return sum;
  }

  task<result<>> produce(int count) {
    result<> sent;
    for (int i = 0; i < count && sent; ++i) {
      step_();
      sent = co_await numbers_.send(int(i));
      if (sent) ++sent_;
      if (sent && i % 4 == 0) sent = co_await sleep_for(1ms);
    }
    step_();
    numbers_.close();
    co_return sent;
  }

  task<result<int>> consume() {
    int sum = 0;
    for (;;) {
      step_();
      result<int> value = co_await numbers_.receive();
      if (!value && value.error() == errc::closed) break;
      if (!value) co_return fail(value.error());
      ++received_;
      sum += *value;
      step_();
      result<> passed = co_await yield();
      if (!passed) co_return fail(passed.error());
    }
    co_return sum;
  }

  /// Opens, waits for an answer or a time-out, closes whatever happened.
  task<result<>> connection(int number) {
    ++opened_;
    result<> served;
    std::exception_ptr broken;
    try {
      served = co_await serve(number);
    } catch (...) {
      broken = std::current_exception();
    }
    co_await shield(close());
    if (broken) std::rethrow_exception(broken);
    co_return served;
  }

  task<result<>> serve(int number) {
    step_();
    auto [first, outcomes] = co_await when_any(receive(), completes_operation(), sleeps(50ms));
    step_();
    result<> answered = co_await with_deadline(std::chrono::milliseconds(number), answer());
    if (!answered && !answered.error().is_timeout()) co_return fail(answered.error());
    co_return {};
  }

  task<result<std::size_t>> receive() {
    step_();
    std::array<std::byte, 4> buffer{};
    result<std::size_t> received = co_await async_receive(3, buffer);
    step_();
    co_return received;
  }
  task<result<>> completes_operation() {
    result<> slept = co_await sleep_for(2ms);
    step_();
    if (slept) backend_.complete_oldest(4);
    result<> too_late = co_await never_.wait();
    co_return too_late;
  }
  task<result<>> answer() {
    step_();
    result<> passed = co_await async_nop();
    step_();
    if (passed) passed = co_await never_.wait();
    co_return passed;
  }
  task<> close() {
    result<> slept = co_await sleep_for(1ms);
    EXPECT_TRUE(slept) << "the shield let a cancellation through";
    ++closed_;
  }

  step_counter& step_;
  scripted_proactor& backend_;
  channel<int> numbers_{channel_options(2)};
  event never_{event_reset::automatic};
  int sent_ = 0;
  int received_ = 0;
  int opened_ = 0;
  int closed_ = 0;
};

class tree_test : public with_script<async_test> {
 protected:
  /// Runs the program with something at step `at`; returns the number of its steps.
  int run_with(step_counter::act what, int at, auto&& check) {
    cancellation scope;
    step_counter step(what, at, scope);
    program subject(step, backend());
    check([&] { return run(subject.main(), &scope); });
    subject.expect_nothing_lost();
    EXPECT_EQ(frame_pool::frames_live(), 0u) << "at step " << at;
    EXPECT_EQ(on().outstanding(), 0u) << "at step " << at;
    return step.count();
  }
  int steps_of_a_whole_run() {
    return run_with(step_counter::act::cancel, step_counter::never,
                    [](auto&& subject) { EXPECT_EQ(subject().value(), 36); });
  }
};

TEST_F(tree_test, cancelled_at_every_step) {
  const int steps = steps_of_a_whole_run();
  ASSERT_GT(steps, 50);
  for (int at = 0; at < steps; ++at)
    run_with(step_counter::act::cancel, at, [&](auto&& subject) {
      const result<int> sum = subject();
      if (at == steps - 1)
        EXPECT_EQ(sum.value(), 36) << "everything had ended by then";
      else
        EXPECT_TRUE(sum.has_value() || sum.error().is_cancelled()) << at << ": " << sum.error().message();
    });
}

TEST_F(tree_test, an_exception_at_every_step) {
  const int steps = steps_of_a_whole_run();
  for (int at = 0; at < steps; ++at)
    run_with(step_counter::act::raise, at,
             [&](auto&& subject) { EXPECT_THROW((void)subject(), injected) << "step " << at; });
}

TEST_F(tree_test, cancelled_after_every_turn) {
  for (int turns = 0; turns < 60; ++turns) {
    cancellation scope;
    step_counter step(step_counter::act::cancel, step_counter::never, scope);
    program subject(step, backend());
    auto cancels = [&]() -> task<> {
      co_await yields(turns);
      scope.request();
    };
    auto main = [&]() -> task<> {
      auto [sum, cancelled] = co_await when_all(subject.main(), cancels());
      EXPECT_TRUE(sum.has_value() || sum.error().is_cancelled());
    };
    run(main(), &scope);
    subject.expect_nothing_lost();
    EXPECT_EQ(frame_pool::frames_live(), 0u);
  }
}

} // namespace
} // namespace weir
