// The turn: its order, its budgets, its time, and how other threads reach it (docs/loop.md).
#include "contract.hpp"

#include <support/asleep.hpp>

#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <deque>
#include <mutex>
#include <thread>

namespace weir::test {
namespace {

using contract_turn = contract;

TEST_P(contract_turn, runs_its_phases_in_their_order) {
  std::string order;
  const auto says = [&](const char* what) { return [&order, what] { order += what; }; };
  nop completed;
  completed.then = says("completion ");
  start(completed);
  ASSERT_TRUE(wait_until_completed(completed));

  task_of_work ending(says("end-of-turn "));
  task_of_work deferred(says("deferred "));
  call_later due(says("timer "));
  task_of_work posted(says("inbox "));
  on().at_end_of_turn(ending);
  on().defer(deferred);
  on().arm(due, 0);
  ASSERT_TRUE(on().post(posted));
  turn();
  EXPECT_EQ(order, "inbox timer completion deferred end-of-turn ");
}

TEST_P(contract_turn, work_queued_on_the_way_runs_in_the_phases_that_are_still_to_come) {
  std::string order;
  task_of_work ending([&] { order += "end-of-turn "; });
  task_of_work again([&] { order += "again "; });
  task_of_work deferred([&] {
    order += "deferred ";
    on().defer(again);
    on().at_end_of_turn(ending);
  });
  task_of_work posted([&] {
    order += "inbox ";
    on().defer(deferred);
  });
  ASSERT_TRUE(on().post(posted));
  turn();
  EXPECT_EQ(order, "inbox deferred end-of-turn ") << "phase 4 runs what was queued before it began";
  turn();
  EXPECT_EQ(order, "inbox deferred end-of-turn again ");
}

TEST_P(contract_turn, submits_what_its_end_started) {
  nop started_last;
  task_of_work ending([&] { start(started_last); });
  on().at_end_of_turn(ending);
  turn();
  EXPECT_NE(started_last.state(), operation_state::idle);
  ASSERT_TRUE(finish(started_last));
}

TEST_P(contract_turn, time_stands_still_within_it) {
  std::uint64_t at_inbox = 0, at_timer = 0, at_deferred = 0;
  const auto pass_a_millisecond = [&] {
    const std::uint64_t until = on().backend().now_ns() + 1'000'000;
    while (on().backend().now_ns() < until) {
    }
  };
  task_of_work posted([&] {
    at_inbox = on().now_ns();
    pass_a_millisecond();
  });
  call_later due([&] {
    at_timer = on().now_ns();
    pass_a_millisecond();
  });
  task_of_work deferred([&] { at_deferred = on().now_ns(); });
  ASSERT_TRUE(on().post(posted));
  on().arm(due, 0);
  on().defer(deferred);
  turn();
  EXPECT_NE(at_inbox, 0u);
  EXPECT_EQ(at_timer, at_inbox);
  EXPECT_EQ(at_deferred, at_inbox);
  turn();
  EXPECT_GE(on().now_ns(), at_inbox + 2'000'000) << "and goes on between turns";
}

TEST_P(contract_turn, is_current_only_while_it_runs) {
  loop* seen = nullptr;
  task_of_work deferred([&] { seen = loop::current(); });
  on().defer(deferred);
  EXPECT_EQ(loop::current(), nullptr);
  turn();
  EXPECT_EQ(seen, &on());
  EXPECT_EQ(loop::current(), nullptr);
}

TEST_P(contract_turn, lanes_share_eight_to_four_to_one_and_keep_their_order) {
  constexpr std::size_t each = 130;
  std::string order;
  std::vector<std::size_t> numbers[lane_count];
  std::deque<nop> nops;
  for (std::size_t index = 0; index < each; ++index)
    for (const lane which : {lane::background, lane::normal, lane::urgent}) {
      nop& op = nops.emplace_back(which);
      op.then = [&order, &numbers, which, index] {
        order += "unb"[static_cast<std::size_t>(which)];
        numbers[static_cast<std::size_t>(which)].push_back(index);
      };
      start(op);
    }
  ASSERT_TRUE(wait_until_completed(nops.back()));
  ASSERT_EQ(order, "") << "all of them are ready together";
  ASSERT_TRUE(wait_for([&] { return order.size() == lane_count * each; }));
  // While all three lanes have something, any 13 in a row are 8, 4 and 1.
  for (std::size_t at = 0; at + 13 <= each; ++at) {
    const std::string window = order.substr(at, 13);
    EXPECT_EQ(std::count(window.begin(), window.end(), 'u'), 8) << order;
    EXPECT_EQ(std::count(window.begin(), window.end(), 'n'), 4) << order;
  }
  for (const auto& lane_order : numbers) EXPECT_TRUE(std::is_sorted(lane_order.begin(), lane_order.end()));
}

TEST_P(contract_turn, each_phase_stops_at_its_budget_and_goes_on_where_it_stopped) {
  loop_options narrow = options();
  narrow.phase_budget = 4;
  reopen(narrow);
  std::vector<int> inbox_order, timer_order, completion_order, deferred_order;
  std::deque<task_of_work> posted, deferred;
  std::deque<call_later> timers;
  std::deque<nop> nops;
  for (int number = 0; number < 10; ++number) {
    ASSERT_TRUE(on().post(posted.emplace_back([&, number] { inbox_order.push_back(number); })));
    on().arm(timers.emplace_back([&, number] { timer_order.push_back(number); }), 0);
    on().defer(deferred.emplace_back([&, number] { deferred_order.push_back(number); }));
    nops.emplace_back().then = [&, number] { completion_order.push_back(number); };
  }
  for (const std::size_t done : {4u, 8u, 10u}) {
    on().turn(); // does not sleep while something is left over
    EXPECT_EQ(inbox_order.size(), done);
    EXPECT_EQ(timer_order.size(), done);
    EXPECT_EQ(deferred_order.size(), done);
    if (done == 8)
      for (nop& each : nops) start(each);
  }
  ASSERT_TRUE(wait_for([&] { return !completion_order.empty(); }));
  EXPECT_EQ(completion_order.size(), 4u);
  ASSERT_TRUE(wait_for([&] { return completion_order.size() == 10; }));
  for (const auto* order : {&inbox_order, &timer_order, &completion_order, &deferred_order})
    EXPECT_TRUE(std::is_sorted(order->begin(), order->end()));
}

TEST_P(contract_turn, a_phase_that_takes_too_long_leaves_the_rest_to_the_next_turn) {
  loop_options hasty = options();
  hasty.turn_budget_ns = 1'000'000;
  reopen(hasty);
  int ran = 0;
  std::deque<task_of_work> deferred;
  for (int count = 0; count < 200; ++count)
    on().defer(deferred.emplace_back([&] {
      ++ran;
      const std::uint64_t until = on().backend().now_ns() + 100'000;
      while (on().backend().now_ns() < until) {
      }
    }));
  turn();
  EXPECT_GE(ran, 1);
  EXPECT_LE(ran, 100) << "ten of them use the budget up; the clock is not read for each";
  ASSERT_TRUE(wait_for([&] { return ran == 200; }));
}

TEST_P(contract_turn, with_deadline_zero_never_sleeps) {
  const connection pair = connect_pair(transport::local);
  receive receiving(pair.ours.get(), 1); // waits for ever
  start(receiving);
  for (int count = 0; count < 100; ++count) turn();
  EXPECT_EQ(receiving.state(), operation_state::submitted);
}

TEST_P(contract_turn, sleeps_until_its_deadline_and_does_not_spin) {
  const std::uint64_t deadline_ns = on().backend().now_ns() + 20'000'000;
  const std::uint64_t turns_before = on().counters().turns;
  while (on().backend().now_ns() < deadline_ns) on().turn(deadline_ns);
  EXPECT_LE(on().counters().turns - turns_before, 100u) << "a few spurious returns are no spinning";
}

TEST_P(contract_turn, sleeps_until_its_next_timer_and_none_fires_early) {
  std::vector<std::uint64_t> early_ns;
  std::deque<call_later> timers;
  const std::uint64_t began_ns = on().now_ns();
  for (const std::uint64_t distance_ns : {3'000'000u, 1'000'000u, 1'000'000u, 7'000'000u, 100'000u}) {
    call_later& timer = timers.emplace_back([] {});
    timer.function = [&, distance_ns] {
      if (on().now_ns() < began_ns + distance_ns) early_ns.push_back(distance_ns);
    };
    on().arm(timer, began_ns + distance_ns);
  }
  const std::uint64_t turns_before = on().counters().turns;
  ASSERT_TRUE(wait_for([&] {
    return std::none_of(timers.begin(), timers.end(), [](timer& each) { return each.is_armed(); });
  }));
  EXPECT_TRUE(early_ns.empty());
  EXPECT_LE(on().counters().turns - turns_before, 100u);
}

TEST_P(contract_turn, is_woken_by_a_post_from_another_thread) {
  std::atomic<bool> ran = false;
  task_of_work posted([&] { ran = true; });
  std::jthread poster([&, here = sleeper()] {
    here.wait_until_asleep();
    EXPECT_TRUE(on().post(posted));
  });
  ASSERT_TRUE(wait_for([&] { return ran.load(); }));
  EXPECT_GE(on().counters().wakes, 1u);
}

TEST_P(contract_turn, misses_no_post_however_the_threads_meet) {
  constexpr int rounds = 2000;
  std::mutex lock; // not atomic::wait, which misses wake-ups on Windows (docs/platforms.md)
  std::condition_variable has_run;
  int ran = 0;
  task_of_work ball([&] {
    {
      const std::lock_guard guard(lock);
      ++ran;
    }
    has_run.notify_one();
  });
  std::jthread poster([&] {
    for (int round = 0; round < rounds; ++round) {
      EXPECT_TRUE(on().post(ball));
      std::unique_lock guard(lock);
      has_run.wait(guard, [&] { return ran > round; });
    }
  });
  ASSERT_TRUE(wait_for([&] {
    const std::lock_guard guard(lock);
    return ran == rounds;
  }));
}

TEST_P(contract_turn, ends_when_woken) {
  std::jthread waker([&, here = sleeper()] {
    here.wait_until_asleep();
    on().wake();
  });
  on().turn(); // without a wake-up it never returns
}

TEST_P(contract_turn, a_wake_up_before_it_sleeps_is_not_lost) {
  for (int count = 0; count < 3; ++count) {
    on().wake();
    on().wake();
    on().turn();
  }
}

TEST_P(contract_turn, the_inbox_refuses_at_its_bound) {
  loop_options small = options();
  small.inbox_max = 3;
  reopen(small);
  int ran = 0;
  std::deque<task_of_work> posted;
  const auto post_one = [&] { return on().post(posted.emplace_back([&] { ++ran; })); };
  for (int round = 1; round <= 3; ++round) {
    EXPECT_TRUE(post_one() && post_one() && post_one());
    EXPECT_FALSE(post_one());
    turn();
    EXPECT_EQ(ran, 3 * round) << "what was refused does not run";
  }
}

TEST_P(contract_turn, the_inbox_stays_bounded_while_its_budget_is_too_small) {
  loop_options small = options();
  small.inbox_max = 3;
  small.phase_budget = 1;
  reopen(small);
  std::size_t ran = 0, most_waiting = 0;
  std::deque<task_of_work> posted;
  for (int round = 0; round < 20; ++round) {
    while (on().post(posted.emplace_back([&] { ++ran; }))) {
    }
    posted.pop_back(); // refused
    most_waiting = std::max(most_waiting, posted.size() - ran);
    turn();
  }
  EXPECT_LE(most_waiting, 2u * small.inbox_max) << "what a turn has taken, and what waits behind it";
  ASSERT_TRUE(wait_for([&] { return ran == posted.size(); }));
}

TEST_P(contract_turn, run_ends_when_stopped_from_another_thread) {
  for (int round = 0; round < 3; ++round) {
    std::jthread stopper;
    task_of_work running([&] {
      stopper = std::jthread([&, here = sleeper()] {
        here.wait_until_asleep();
        on().stop();
      });
    });
    on().defer(running);
    on().run();
  }
}

TEST_P(contract_turn, run_ends_at_the_end_of_the_turn_that_was_stopped) {
  std::string order;
  task_of_work ending([&] { order += "end-of-turn"; });
  task_of_work deferred([&] {
    on().stop();
    order += "stopped ";
    on().at_end_of_turn(ending);
  });
  on().defer(deferred);
  on().run();
  EXPECT_EQ(order, "stopped end-of-turn");
}

TEST_P(contract_turn, a_stop_that_comes_before_run_is_not_lost) {
  on().stop();
  on().run(); // without a stop it never returns
}

TEST_P(contract_turn, a_wake_up_while_it_spins_is_not_lost) {
  loop_options spinning = options();
  spinning.spin_ns = patience_ns;
  reopen(spinning);
  std::atomic<bool> runs = false;
  std::jthread waker([&] {
    runs.wait(false);
    on().wake();
  });
  task_of_work ending([&] {
    runs = true;
    runs.notify_one();
  });
  on().at_end_of_turn(ending);
  on().turn(); // spins, and without a wake-up sleeps for ever
}

TEST_P(contract_turn, spinning_changes_nothing_but_the_time_it_takes) {
  loop_options spinning = options();
  spinning.spin_ns = 200'000;
  reopen(spinning);
  const connection pair = connect_pair(transport::tcp);
  receive_many receiving(pair.ours.get());
  start(receiving);
  peer_thread peer([&] {
    for (int count = 0; count < 100; ++count) send_text(pair.theirs.get(), "x");
  });
  ASSERT_TRUE(wait_for([&] { return receiving.received.size() == 100; }));
  call_later later([] {});
  on().arm(later, on().backend().now_ns() + 1'000'000);
  ASSERT_TRUE(wait_for([&] { return !later.is_armed(); }));
}

INSTANTIATE_TEST_SUITE_P(backends, contract_turn, each_backend(), name_of_backend);

} // namespace
} // namespace weir::test
