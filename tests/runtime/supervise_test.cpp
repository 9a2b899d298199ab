// Supervision: restarts, their intensity, escalation, giving up; each failure told once.
#include <weir/async/sleep.hpp>
#include <weir/async/with_nursery.hpp>
#include <weir/runtime/supervise.hpp>

#include <support/coroutine_fixture.hpp>

#include <stdexcept>
#include <vector>

namespace weir::test {
namespace {

class supervise_test : public backend_test {
 protected:
  /// Quick, and notes what it tells.
  restart_policy quick(unsigned restarts) {
    restart_policy policy(restarts, 1min, 1us, 1us);
    policy.on_failure = [this](const restart_report& told) {
      decisions.push_back(told.decision);
      messages.push_back(told.why.message());
    };
    return policy;
  }

  std::vector<restart_decision> decisions;
  std::vector<std::string> messages;
  int attempts = 0;
};

TEST_P(supervise_test, a_task_that_fails_is_started_again_until_it_ends_well) {
  run([&]() -> task<> {
    auto work = [&]() -> task<result<>> {
      if (++attempts == 1) co_return fail(errc::protocol, "first");
      if (attempts == 2) throw std::runtime_error("second");
      co_return result<>();
    };
    result<> outcome = co_await supervise(quick(5), work);
    EXPECT_TRUE(outcome);
    EXPECT_EQ(attempts, 3);
    EXPECT_EQ(decisions, std::vector(2, restart_decision::restart));
    EXPECT_EQ(messages.at(1), "exception: second");
  });
}

TEST_P(supervise_test, what_keeps_failing_is_escalated_as_what_it_was) {
  run([&]() -> task<> {
    auto fails = [&]() -> task<result<>> {
      ++attempts;
      co_return fail(errc::protocol, "again");
    };
    result<> outcome = co_await supervise(quick(3), fails);
    EXPECT_EQ(outcome.error(), errc::protocol);
    EXPECT_EQ(attempts, 4);
    EXPECT_EQ(decisions.size(), 3u); // the last one was told to us

    auto throws = [&]() -> task<> {
      throw std::runtime_error("thrown");
      co_return;
    };
    bool is_caught = false;
    try {
      result<> never = co_await supervise(quick(0), throws);
      EXPECT_TRUE(never) << "not reached";
    } catch (const std::runtime_error&) {
      is_caught = true;
    }
    EXPECT_TRUE(is_caught);
  });
}

TEST_P(supervise_test, gives_up_where_it_is_told_to_and_says_so) {
  run([&]() -> task<> {
    auto fails = [&]() -> task<result<>> {
      ++attempts;
      co_return fail(errc::protocol, "again");
    };
    restart_policy policy = quick(1);
    policy.at_limit = restart_decision::give_up;
    result<> outcome = co_await supervise(policy, fails);
    EXPECT_TRUE(outcome);
    EXPECT_EQ(attempts, 2);
    EXPECT_EQ(decisions, (std::vector{restart_decision::restart, restart_decision::give_up}));
  });
}

TEST_P(supervise_test, what_is_not_worth_it_is_escalated_at_once) {
  run([&]() -> task<> {
    auto throws = [&]() -> task<result<>> {
      ++attempts;
      throw std::runtime_error("a bug");
      co_return result<>();
    };
    restart_policy policy = quick(5);
    policy.is_worth_it = [](const failure& why) noexcept { return !why.is_exception(); };
    bool is_caught = false;
    try {
      result<> never = co_await supervise(policy, throws);
      EXPECT_TRUE(never) << "not reached";
    } catch (const std::runtime_error&) {
      is_caught = true;
    }
    EXPECT_TRUE(is_caught);
    EXPECT_EQ(attempts, 1);
  });
}

TEST_P(supervise_test, is_not_started_again_in_a_scope_that_ends) {
  run([&]() -> task<> {
    auto fails = [&]() -> task<result<>> {
      ++attempts;
      co_return fail(errc::protocol, "again");
    };
    const restart_policy slow(5, 1min, 1h, 1h);
    result<> outcome = co_await with_deadline(1ms, supervise(slow, fails));
    EXPECT_TRUE(outcome.error().is_timeout());
    EXPECT_EQ(attempts, 1);
  });
}

TEST_P(supervise_test, the_children_of_a_nursery_start_anew_together) {
  run([&]() -> task<> {
    int others_ended = 0;
    auto stays = [&]() -> task<> { // outlives the body of the nursery, as its children do
      result<> slept = co_await sleep_for(1h);
      EXPECT_FALSE(slept);
      ++others_ended;
    };
    auto fails = [&]() -> task<result<>> { co_return fail(errc::protocol, "child"); };
    auto together = [&](nursery& children) -> task<result<>> {
      if (++attempts == 3) co_return result<>();
      result<> first = co_await children.spawn(stays());
      result<> second = co_await children.spawn(fails());
      EXPECT_TRUE(first && second);
      result<> slept = co_await sleep_for(1h);
      co_return slept;
    };
    auto all = [&] { return with_nursery(nursery_options(4), together); };
    result<> outcome = co_await supervise(quick(5), all);
    EXPECT_TRUE(outcome);
    EXPECT_EQ(attempts, 3);
    EXPECT_EQ(others_ended, 2);
  });
}

TEST_P(supervise_test, a_child_is_restarted_alone_and_escalates_to_its_nursery) {
  run([&]() -> task<> {
    auto body = [&](nursery& children) -> task<result<>> {
      auto fails = [&]() -> task<result<>> {
        ++attempts;
        co_return fail(errc::protocol, "child");
      };
      result<> spawned = co_await children.spawn(supervise(quick(2), fails));
      EXPECT_TRUE(spawned);
      result<> slept = co_await sleep_for(1h);
      co_return slept;
    };
    result<> outcome = co_await with_nursery(nursery_options(4), body);
    EXPECT_EQ(outcome.error(), errc::protocol);
    EXPECT_EQ(attempts, 3);
  });
}

INSTANTIATE_TEST_SUITE_P(backends, supervise_test, on_each_backend(), name_of_backend);

// --- the course alone, with times of its own ---

TEST(restart_course, counts_only_what_lies_within_the_window) {
  const restart_policy policy(2, std::chrono::seconds(10), std::chrono::milliseconds(100),
                              std::chrono::seconds(1));
  restart_course course(policy);
  const failure why(error(errc::protocol, "test"));
  constexpr std::uint64_t second = 1'000'000'000;
  EXPECT_EQ(course.decide(why, 1 * second, 0), restart_decision::restart);
  EXPECT_EQ(course.decide(why, 2 * second, 0), restart_decision::restart);
  EXPECT_EQ(course.decide(why, 3 * second, 0), restart_decision::escalate);
  EXPECT_EQ(course.decide(why, 12 * second, 0), restart_decision::restart); // the first is forgotten
  EXPECT_EQ(course.decide(why, 12 * second, 0), restart_decision::escalate);
  EXPECT_EQ(course.decide(why, 60 * second, 0), restart_decision::restart);
}

TEST(restart_course, waits_longer_each_time_and_briefly_again_after_a_quiet_window) {
  const restart_policy policy(9, std::chrono::seconds(10), std::chrono::milliseconds(100),
                              std::chrono::milliseconds(350));
  restart_course course(policy);
  const failure why(error(errc::protocol, "test"));
  EXPECT_EQ(course.decide(why, 1, 100'000'000), restart_decision::restart);
  EXPECT_EQ(course.delay(), 100ms); // the ceiling of the first
  EXPECT_EQ(course.decide(why, 1, 150'000'000), restart_decision::restart);
  EXPECT_EQ(course.delay(), 150ms); // below its ceiling of 200 ms
  EXPECT_EQ(course.decide(why, 1, 350'000'000), restart_decision::restart);
  EXPECT_EQ(course.delay(), 350ms); // at the longest
  EXPECT_EQ(course.decide(why, 60'000'000'000, 100'000'000), restart_decision::restart);
  EXPECT_EQ(course.delay(), 100ms); // the first again
}

} // namespace
} // namespace weir::test
