// The loop by itself, over a proactor whose clock and completions the test decides.
#include <weir/io/loop.hpp>

#include <gtest/gtest.h>
#include <poll.h>
#include <support/recorded.hpp>
#include <support/sockets.hpp>

#include <atomic>
#include <deque>
#include <functional>
#include <thread>

namespace weir::test {
namespace {

/// Its clock goes on when the loop waits, and not otherwise.
class scripted_proactor final : public proactor {
 public:
  using proactor::proactor;

  void start(operation& op) noexcept override {
    state_of(op) = operation_state::submitted;
    started.push_back(&op);
  }
  void cancel(operation& op) noexcept override {
    state_of(op) = operation_state::cancelling;
    completed_.push(op, completion(-ECANCELED));
  }
  void wait(std::uint64_t timeout_ns) noexcept override {
    timeouts_ns.push_back(timeout_ns);
    if (timeout_ns != no_timeout) clock_ns += timeout_ns;
    if (at_wait) at_wait();
  }
  void poll() noexcept override {
    ++polls;
    clock_ns += 1000;
    if (at_poll) at_poll();
  }
  void wake() noexcept override {
    ++wakes;
    if (at_wake) at_wake();
  }
  std::uint64_t now_ns() noexcept override { return clock_ns; }
  std::string_view name() const noexcept override { return "scripted"; }
  capability_mask capabilities() const noexcept override { return {}; }
  execution execution_of(operation_kind) const noexcept override { return execution::kernel; }

  void complete(operation& op, completion&& what) { completed_.push(op, std::move(what)); }

  std::uint64_t clock_ns = 1'000'000'000;
  std::vector<std::uint64_t> timeouts_ns;
  std::deque<operation*> started;
  std::function<void()> at_wait, at_poll, at_wake;
  int polls = 0;
  int wakes = 0;
};

class loop_over_script : public testing::Test {
 protected:
  explicit loop_over_script(const loop_options& options = loop_options{}) {
    auto made = loop::create(options,
                             [this](const loop_options&, completion_queue& completed, buffer_pool& pool,
                                    loop_counters& counters) -> result<chosen_backend> {
                               auto scripted = std::make_unique<scripted_proactor>(completed, pool, counters);
                               script = scripted.get();
                               return chosen_backend(std::move(scripted), "scripted: for a test");
                             });
    on = std::move(*made);
  }
  std::uint64_t last_timeout_ns() const { return script->timeouts_ns.back(); }

  scripted_proactor* script = nullptr;
  std::unique_ptr<loop> on;
};

TEST_F(loop_over_script, waits_once_a_turn_and_for_as_long_as_nothing_is_due) {
  on->turn();
  EXPECT_EQ(script->timeouts_ns, std::vector{proactor::no_timeout});
  on->turn(0);
  EXPECT_EQ(last_timeout_ns(), 0u);
  on->turn(script->clock_ns + 5000);
  EXPECT_EQ(last_timeout_ns(), 5000u);
  on->turn(script->clock_ns - 1);
  EXPECT_EQ(last_timeout_ns(), 0u) << "a deadline in the past is now";
  EXPECT_EQ(script->timeouts_ns.size(), 4u);
  EXPECT_EQ(on->counters().turns, 4u);
  EXPECT_EQ(on->backend_reason(), "scripted: for a test");
}

TEST_F(loop_over_script, sleeps_no_longer_than_its_next_timer_and_its_deadline) {
  bool fired = false;
  call_later timer([&] { fired = true; });
  const std::uint64_t due_ns = script->clock_ns + 10'000'000;
  on->arm(timer, due_ns);
  on->turn(script->clock_ns + 1000);
  EXPECT_EQ(last_timeout_ns(), 1000u);
  EXPECT_FALSE(fired);
  while (!fired) on->turn();
  EXPECT_GE(on->now_ns(), due_ns);
  EXPECT_LE(on->now_ns() - due_ns, std::uint64_t{1} << timer_wheel::tick_shift);
  EXPECT_EQ(last_timeout_ns(), proactor::no_timeout)
      << "the turn that ran the last timer has none to wait for";
}

TEST_F(loop_over_script, does_not_sleep_while_work_is_queued) {
  task_of_work work([] {});
  on->at_end_of_turn(work);
  on->turn();
  EXPECT_EQ(last_timeout_ns(), proactor::no_timeout) << "done in this turn";

  task_of_work again([] {});
  task_of_work first([&] { on->defer(again); });
  on->defer(first);
  on->turn();
  EXPECT_EQ(last_timeout_ns(), 0u) << "deferred in phase 4: for the next turn";
  on->turn();
  EXPECT_EQ(last_timeout_ns(), proactor::no_timeout);

  script->at_wait = [&] { EXPECT_EQ(on->post(work), true); };
  on->turn();
  script->at_wait = nullptr;
  EXPECT_EQ(script->wakes, 1) << "posted while it sleeps: one wake-up";
  ASSERT_TRUE(on->post(again));
  EXPECT_EQ(script->wakes, 1) << "posted while it is awake: none";
  on->turn();
}

TEST_F(loop_over_script, dispatches_what_is_complete_in_the_next_turn) {
  nop op;
  op.start(*on);
  EXPECT_EQ(on->outstanding(), 1u);
  EXPECT_EQ(script->started.front(), &op);
  EXPECT_EQ(op.started_at_ns(), on->now_ns());
  script->at_wait = [&] { script->complete(op, completion(7)); };
  on->turn();
  script->at_wait = nullptr;
  EXPECT_EQ(op.state(), operation_state::completed);
  EXPECT_TRUE(op.results.empty());
  on->turn(0);
  EXPECT_EQ(op.results, std::vector{7});
  EXPECT_EQ(on->outstanding(), 0u);
  EXPECT_EQ(on->counters().operations_started, 1u);
  EXPECT_EQ(on->counters().completions, 1u);
}

TEST_F(loop_over_script, partial_completions_leave_the_operation_outstanding) {
  nop op;
  op.start(*on);
  script->complete(op, completion(1, true));
  script->complete(op, completion(2, true));
  on->turn(0);
  EXPECT_EQ(on->outstanding(), 1u);
  EXPECT_FALSE(op.is_done());
  script->complete(op, completion(3));
  on->turn(0);
  EXPECT_EQ(op.results, (std::vector{1, 2, 3}));
  EXPECT_EQ(on->outstanding(), 0u);
}

TEST_F(loop_over_script, the_woken_run_before_the_deferred_and_in_the_same_turn) {
  std::string order;
  task_of_work yielded([&] { order += "yielded "; });
  task_of_work third([&] { order += "third "; });
  task_of_work second([&] {
    order += "second ";
    on->resume_soon(third);
  });
  task_of_work first([&] {
    order += "first ";
    on->resume_soon(second);
  });
  on->defer(yielded);
  on->resume_soon(first);
  on->turn(0);
  EXPECT_EQ(order, "first second third yielded ");
  order.clear();
  task_of_work wakes_another([&] {
    order += "deferred ";
    on->resume_soon(third);
  });
  on->defer(wakes_another);
  on->turn(0);
  EXPECT_EQ(order, "deferred third ");
}

TEST_F(loop_over_script, what_wakes_itself_for_ever_does_not_keep_the_turn) {
  std::size_t ran = 0;
  task_of_work endless([] {});
  endless.function = [&] {
    ++ran;
    on->resume_soon(endless);
  };
  on->resume_soon(endless);
  on->turn();
  EXPECT_GE(ran, 1u);
  EXPECT_LE(ran, 2 * on->options().phase_budget);
  EXPECT_EQ(last_timeout_ns(), 0u) << "and does not let the loop sleep";
  endless.function = [] {};
  on->turn(0);
}

TEST_F(loop_over_script, an_operation_that_was_cancelled_may_complete_while_the_loop_ends) {
  auto op = std::make_unique<nop_operation>([](operation&, completion&&) noexcept {});
  on->start(*op);
  on->cancel(*op);
  on.reset();
  EXPECT_TRUE(op->is_idle());
}

TEST_F(loop_over_script, random_numbers_come_from_the_seed) {
  const auto numbers_of = [](std::uint64_t seed) {
    loop_options seeded;
    seeded.seed = seed;
    seeded.backend = backend::epoll;
    const auto made = loop::create(seeded);
    return std::vector{(*made)->random(), (*made)->random(), (*made)->random()};
  };
  EXPECT_EQ(numbers_of(1), numbers_of(1));
  EXPECT_NE(numbers_of(1), numbers_of(2));
  EXPECT_NE(numbers_of(0), numbers_of(0)) << "without a seed no two loops are alike";
}

class spinning_loop_over_script : public loop_over_script {
 protected:
  static loop_options spinning() {
    loop_options options;
    options.spin_ns = 50'000;
    return options;
  }
  spinning_loop_over_script() : loop_over_script(spinning()) {}
};

TEST_F(spinning_loop_over_script, looks_for_its_budget_and_sleeps_then) {
  on->turn();
  EXPECT_EQ(script->polls, 50);
  EXPECT_EQ(script->timeouts_ns, std::vector{proactor::no_timeout});

  script->polls = 0;
  on->turn(script->clock_ns + 10'000);
  EXPECT_EQ(script->polls, 10) << "never past its deadline";
  on->turn(0);
  EXPECT_EQ(script->polls, 10) << "and not at all when it must not wait";
}

TEST_F(spinning_loop_over_script, does_not_sleep_when_it_found_something) {
  nop op;
  op.start(*on);
  script->at_poll = [&] {
    if (script->polls == 3) script->complete(op, completion(0));
  };
  on->turn();
  EXPECT_EQ(script->polls, 3);
  EXPECT_TRUE(script->timeouts_ns.empty()) << "the look that found it was the wait of this turn";
  on->turn(0);
  EXPECT_TRUE(op.is_done());
}

TEST_F(loop_over_script, work_that_awaits_slots_runs_when_one_returns_and_not_before) {
  int looks = 0;
  task_of_work looking([&] { ++looks; });
  lease first = on->buffers().acquire();
  lease second = on->buffers().acquire();
  on->turn(0);
  on->when_slots_return(looking);
  on->turn(0);
  EXPECT_EQ(looks, 0);
  EXPECT_EQ(last_timeout_ns(), 0u);
  on->turn();
  EXPECT_EQ(last_timeout_ns(), proactor::no_timeout) << "it sleeps meanwhile";

  script->at_wait = [&] { first.reset(); };
  on->turn();
  script->at_wait = nullptr;
  on->turn();
  EXPECT_EQ(looks, 1);
  second.reset();
  on->turn(0);
  EXPECT_EQ(looks, 1) << "once";

  on->when_slots_return(looking);
  on->no_longer_when_slots_return(looking);
  on->buffers().acquire().reset();
  on->turn(0);
  EXPECT_EQ(looks, 1);
}

TEST_F(loop_over_script, slots_that_return_behind_the_look_keep_it_from_sleeping) {
  int looks = 0;
  task_of_work looking([&] { ++looks; });
  lease held = on->buffers().acquire();
  on->when_slots_return(looking);
  task_of_work at_the_end([&] { held.reset(); });
  on->at_end_of_turn(at_the_end);
  on->turn();
  EXPECT_EQ(last_timeout_ns(), 0u);
  on->turn();
  EXPECT_EQ(looks, 1);
}

/// Who stops it is inside still when `run` has returned; the loop that ends waits for him.
TEST_F(loop_over_script, may_end_at_once_when_another_thread_has_stopped_it) {
  std::atomic<bool> is_running{true};
  std::atomic<bool> is_out{false};
  script->at_wake = [&] {
    while (is_running) std::this_thread::yield();
    for (int i = 0; i < 1000; ++i) std::this_thread::yield(); // time to end under our feet
    is_out = true;
  };
  std::thread stopper([&] { on->stop(); });
  on->run();
  is_running = false;
  on.reset();
  EXPECT_TRUE(is_out);
  stopper.join();
}

TEST(loop_creation, passes_on_why_there_is_no_backend) {
  const auto made = loop::create(
      loop_options{},
      [](const loop_options&, completion_queue&, buffer_pool&, loop_counters&) -> result<chosen_backend> {
        return fail(std::errc::operation_not_permitted, "no backend for a reason");
      });
  ASSERT_FALSE(made);
  EXPECT_STREQ(made.error().operation(), "no backend for a reason");
}

TEST(loop_death, a_loop_that_ends_with_operations_outstanding_says_which) {
  loop_options options;
  options.backend = backend::epoll;
  EXPECT_DEATH(
      {
        const connection pair = connect_pair(transport::local);
        poll_operation never_ends(pair.ours.get(), POLLIN, [](operation&, completion&&) noexcept {});
        auto made = loop::create(options);
        (*made)->start(never_ends);
        made->reset();
      },
      "poll.*loop_test.cpp");
}

TEST(loop_death, a_loop_that_ends_while_an_answer_is_owed_says_so) {
  EXPECT_DEATH(
      {
        auto made = loop::create();
        (*made)->expect_answer();
        made->reset();
      },
      "1 answers owed");
}

} // namespace
} // namespace weir::test
