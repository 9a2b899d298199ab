#include <weir/io/timer.hpp>

#include <gtest/gtest.h>

#include <algorithm>
#include <deque>
#include <limits>
#include <random>
#include <string>
#include <vector>

namespace weir {
namespace {

constexpr std::uint64_t tick_ns = std::uint64_t{1} << timer_wheel::tick_shift;
constexpr std::size_t no_budget = std::numeric_limits<std::size_t>::max();

/// Writes its name into a log when it fires.
struct bell : timer {
  bell(std::string& into, char letter) noexcept
      : timer([](timer& self) noexcept {
          auto& me = static_cast<bell&>(self);
          me.log += me.name;
        }),
        log(into), name(letter) {}
  std::string& log;
  char name;
};

/// Runs the wheel as a loop does, from one `next_ns` to the next; gives the time at which `which` fired.
std::uint64_t run_until_fired(timer_wheel& wheel, const timer& which) {
  while (which.is_armed()) {
    const std::uint64_t next = wheel.next_ns();
    if (next == timer_wheel::never) break;
    wheel.advance(next, no_budget);
    if (!which.is_armed()) return next;
  }
  return timer_wheel::never;
}

TEST(timer_wheel, fires_in_order_of_time_and_first_armed_first_within_a_tick) {
  std::string log;
  bell a(log, 'a'), b(log, 'b'), c(log, 'c'), d(log, 'd');
  timer_wheel wheel(0);
  wheel.arm(d, 500 * tick_ns);
  wheel.arm(c, 10 * tick_ns);
  wheel.arm(a, 3 * tick_ns);
  wheel.arm(b, 10 * tick_ns);
  EXPECT_EQ(wheel.advance(2 * tick_ns, no_budget), 0u);
  EXPECT_EQ(wheel.advance(1000 * tick_ns, no_budget), 4u);
  EXPECT_EQ(log, "acbd");
  EXPECT_EQ(wheel.next_ns(), timer_wheel::never);
}

TEST(timer_wheel, none_fires_early_and_none_later_than_a_tick) {
  for (unsigned bit = 0; bit < 63; ++bit)
    for (const std::uint64_t began : {std::uint64_t{0}, std::uint64_t{12'345'678'901}}) {
      const std::uint64_t deadline = began + (std::uint64_t{1} << bit) + bit;
      std::string log;
      bell once(log, 'x');
      timer_wheel wheel(began);
      wheel.arm(once, deadline);
      const std::uint64_t fired = run_until_fired(wheel, once);
      EXPECT_GE(fired, deadline) << "bit " << bit;
      EXPECT_LE(fired - deadline, tick_ns) << "bit " << bit;
    }
}

TEST(timer_wheel, a_deadline_in_the_past_fires_at_the_next_advance) {
  const std::uint64_t now = 100 * tick_ns + 500;
  for (const std::uint64_t past : {std::uint64_t{0}, 99 * tick_ns, now - 1, now}) {
    std::string log;
    bell late(log, 'x');
    timer_wheel wheel(now);
    wheel.arm(late, past);
    EXPECT_LE(wheel.next_ns(), now) << past;
    EXPECT_EQ(wheel.advance(now, no_budget), 1u) << past;
  }
}

TEST(timer_wheel, at_its_budget_the_rest_stays_due_and_keeps_its_order) {
  std::string log;
  std::deque<bell> bells;
  timer_wheel wheel(0);
  for (char name = 'a'; name < 'h'; ++name) wheel.arm(bells.emplace_back(log, name), 5 * tick_ns);
  const std::uint64_t now = 10 * tick_ns;
  EXPECT_EQ(wheel.advance(now, 3), 3u);
  EXPECT_EQ(log, "abc");
  EXPECT_LE(wheel.next_ns(), now) << "what remains is due";
  EXPECT_EQ(wheel.advance(now, 0), 0u);
  EXPECT_EQ(wheel.advance(now, no_budget), 4u);
  EXPECT_EQ(log, "abcdefg");
}

TEST(timer_wheel, cancelled_and_moved_timers_fire_at_their_new_time_or_never) {
  std::string log;
  bell cancelled(log, 'c'), moved(log, 'm'), kept(log, 'k');
  timer_wheel wheel(0);
  wheel.arm(cancelled, 5 * tick_ns);
  wheel.arm(moved, 5 * tick_ns);
  wheel.arm(kept, 5 * tick_ns);
  timer_wheel::cancel(cancelled);
  timer_wheel::cancel(cancelled);
  EXPECT_FALSE(cancelled.is_armed());
  wheel.arm(moved, 9000 * tick_ns);
  EXPECT_EQ(moved.deadline_ns(), 9000 * tick_ns);
  wheel.advance(100 * tick_ns, no_budget);
  EXPECT_EQ(log, "k");
  EXPECT_GE(run_until_fired(wheel, moved), 9000 * tick_ns);
  EXPECT_EQ(log, "km");
}

TEST(timer_wheel, without_timers_there_is_nothing_to_wait_for) {
  std::string log;
  timer_wheel wheel(0);
  EXPECT_EQ(wheel.next_ns(), timer_wheel::never);
  {
    bell leaves(log, 'x');
    wheel.arm(leaves, 5 * tick_ns);
    EXPECT_NE(wheel.next_ns(), timer_wheel::never);
  }
  EXPECT_EQ(wheel.next_ns(), timer_wheel::never) << "a timer that is destroyed leaves the wheel";
  EXPECT_EQ(wheel.advance(10 * tick_ns, no_budget), 0u);
  EXPECT_TRUE(log.empty());
}

/// A timer that does something to others when it fires.
struct meddler : timer {
  meddler(timer_wheel& in, timer& other, bool arms) noexcept
      : timer([](timer& self) noexcept {
          auto& me = static_cast<meddler&>(self);
          if (me.is_arming) {
            me.wheel.arm(me.target, 0);
          } else {
            me.target.unlink();
          }
        }),
        wheel(in), target(other), is_arming(arms) {}
  timer_wheel& wheel;
  timer& target;
  bool is_arming;
};

TEST(timer_wheel, what_a_handler_arms_waits_for_a_later_call) {
  std::string log;
  timer_wheel wheel(100 * tick_ns);
  bell next(log, 'n');
  meddler first(wheel, next, true);
  wheel.arm(first, 0);
  EXPECT_EQ(wheel.advance(100 * tick_ns, no_budget), 1u);
  EXPECT_EQ(log, "");
  EXPECT_EQ(wheel.advance(100 * tick_ns, no_budget), 1u);
  EXPECT_EQ(log, "n");

  meddler again(wheel, again, true); // a timer may arm itself: it must not spin
  wheel.arm(again, 0);
  for (int call = 0; call < 3; ++call) EXPECT_EQ(wheel.advance(100 * tick_ns, no_budget), 1u);
  again.unlink();
}

TEST(timer_wheel, a_handler_may_cancel_what_is_due_with_it) {
  std::string log;
  timer_wheel wheel(0);
  bell victim(log, 'v'), bystander(log, 'b');
  meddler first(wheel, victim, false);
  wheel.arm(first, tick_ns);
  wheel.arm(victim, tick_ns);
  wheel.arm(bystander, tick_ns);
  EXPECT_EQ(wheel.advance(3 * tick_ns, no_budget), 2u);
  EXPECT_EQ(log, "b");
}

TEST(timer_wheel, a_wheel_may_end_with_timers_armed) {
  std::string log;
  bell survivor(log, 's');
  {
    timer_wheel wheel(0);
    wheel.arm(survivor, 7 * tick_ns);
  }
  EXPECT_FALSE(survivor.is_armed());
}

struct recorder : timer {
  recorder() noexcept
      : timer([](timer& self) noexcept {
          auto& me = static_cast<recorder&>(self);
          me.fired->push_back(&me);
        }) {}
  std::vector<const recorder*>* fired = nullptr;
  std::uint64_t armed_as = 0;
};

/// Random arming, moving, cancelling and advancing, against a model that sorts.
TEST(timer_wheel, agrees_with_a_sorted_list) {
  std::mt19937_64 random(42);
  std::vector<const recorder*> fired;
  std::deque<recorder> timers(200);
  for (recorder& each : timers) each.fired = &fired;
  std::uint64_t now = 1'000'000 * tick_ns;
  std::uint64_t armed_count = 0;
  timer_wheel wheel(now);

  for (int step = 0; step < 3000; ++step) {
    for (int change = 0; change < 5; ++change) {
      recorder& any = timers[random() % timers.size()];
      if (random() % 4 == 0) {
        timer_wheel::cancel(any);
      } else {
        const std::uint64_t distance = 1 + (random() >> (20 + random() % 40));
        wheel.arm(any, now + distance);
        any.armed_as = ++armed_count;
      }
    }
    now += random() % 4 == 0 ? random() >> (25 + random() % 30) : random() % (3 * tick_ns);

    std::vector<const recorder*> overdue; // by more than a tick: these must fire
    for (const recorder& each : timers)
      if (each.is_armed() && each.deadline_ns() + tick_ns <= now) overdue.push_back(&each);
    fired.clear();
    wheel.advance(now, no_budget);
    for (const recorder* each : overdue) ASSERT_FALSE(each->is_armed()) << "step " << step;
    for (const recorder* each : fired) ASSERT_LE(each->deadline_ns(), now) << "step " << step;
    const auto tick_order = [](const recorder* left, const recorder* right) {
      const std::uint64_t left_tick = left->deadline_ns() / tick_ns,
                          right_tick = right->deadline_ns() / tick_ns;
      return left_tick != right_tick ? left_tick < right_tick : left->armed_as < right->armed_as;
    };
    ASSERT_TRUE(std::is_sorted(fired.begin(), fired.end(), tick_order)) << "step " << step;
  }
}

} // namespace
} // namespace weir
