#include "async_test.hpp"

#include <weir/async/event.hpp>
#include <weir/async/nursery.hpp>
#include <weir/async/when_all.hpp>

#include <vector>

namespace weir {
namespace {

class nursery_test : public async_test {
 protected:
  /// A child that waits for its event, and notes how that ended.
  static task<> child(event& released, trace& seen, char name) {
    seen += name;
    result<> passed = co_await released.wait();
    seen += passed ? '.' : '!';
  }

  event never_{event_reset::manual};
  trace seen_;
};

TEST_F(nursery_test, join_waits_for_every_child) {
  auto main = [&]() -> task<> {
    nursery children;
    for (char name : {'a', 'b', 'c'}) {
      result<> spawned = co_await children.spawn(child(never_, seen_, name));
      EXPECT_TRUE(spawned);
    }
    seen_ += '|';
    auto joins = [&]() -> task<> {
      result<> joined = co_await children.join();
      EXPECT_TRUE(joined);
      EXPECT_EQ(children.size(), 0u);
      seen_ += 'j';
    };
    auto releases = [&]() -> task<> {
      co_await yields(3);
      EXPECT_EQ(children.size(), 3u);
      never_.set();
    };
    co_await when_all(joins(), releases());
  };
  run(main());
  EXPECT_EQ(seen_, "|abc...j") << "no child runs inside spawn";
}

TEST_F(nursery_test, join_of_an_empty_nursery_ends_at_once) {
  auto main = [&]() -> task<bool> {
    nursery children;
    const std::uint64_t turn = on().counters().turns;
    result<> joined = co_await children.join();
    co_return joined&& on().counters().turns == turn;
  };
  EXPECT_TRUE(run(main()));
}

TEST_F(nursery_test, spawn_waits_while_it_is_full_and_serves_in_order) {
  event released(event_reset::automatic);
  auto main = [&]() -> task<> {
    nursery children(nursery_options(2));
    auto spawns = [&](char name) -> task<> {
      result<> spawned = co_await children.spawn(child(released, seen_, name));
      EXPECT_TRUE(spawned);
      seen_ += '+';
    };
    auto watches = [&]() -> task<> {
      co_await yields(2);
      EXPECT_EQ(seen_, "++ab");
      EXPECT_EQ(children.size(), children.limit());
      EXPECT_FALSE(children.try_spawn(child(released, seen_, 'x')));
      for (int i = 0; i < 4; ++i) {
        released.set();
        co_await yields(3);
        EXPECT_LE(children.size(), children.limit());
      }
    };
    co_await when_all(spawns('a'), spawns('b'), spawns('c'), spawns('d'), watches());
    result<> joined = co_await children.join();
    EXPECT_TRUE(joined);
  };
  run(main());
  EXPECT_EQ(seen_, "++ab.+c.+d..");
}

TEST_F(nursery_test, try_spawn_leaves_the_task_where_it_is_when_it_is_full) {
  auto main = [&]() -> task<> {
    nursery children(nursery_options(1));
    EXPECT_TRUE(children.try_spawn(yields(1)));
    task<> refused = child(never_, seen_, 'a');
    EXPECT_FALSE(children.try_spawn(std::move(refused)));
    never_.set();
    co_await std::move(refused);
    result<> joined = co_await children.join();
    EXPECT_TRUE(joined);
  };
  run(main());
  EXPECT_EQ(seen_, "a.");
}

TEST_F(nursery_test, cancel_ends_children_and_those_who_wait_to_spawn) {
  auto main = [&]() -> task<> {
    nursery children(nursery_options(1));
    auto spawns = [&](char name) -> task<> {
      result<> spawned = co_await children.spawn(child(never_, seen_, name));
      seen_ += spawned ? '+' : '-';
    };
    auto cancels = [&]() -> task<> {
      co_await yields(2);
      children.cancel();
      EXPECT_FALSE(children.try_spawn(yields(1)));
    };
    co_await when_all(spawns('a'), spawns('b'), cancels());
    result<> joined = co_await children.join();
    EXPECT_TRUE(joined) << "what was cancelled did not fail";
    co_await spawns('c');
  };
  run(main());
  EXPECT_EQ(seen_, "+a-!-");
}

TEST_F(nursery_test, a_child_that_reports_its_cancellation_did_not_fail) {
  auto waits = [&]() -> task<result<>> { co_return co_await never_.wait(); };
  auto main = [&]() -> task<> {
    nursery children;
    EXPECT_TRUE(children.try_spawn(waits()));
    co_await yields(1);
    children.cancel();
    result<> joined = co_await children.join();
    EXPECT_TRUE(joined);
    EXPECT_EQ(children.failures(), 0u);
  };
  run(main());
}

TEST_F(nursery_test, a_cancellation_out_of_nowhere_is_a_failure) {
  auto makes_it_up = []() -> task<result<>> { co_return fail(std::errc::operation_canceled); };
  auto main = [&]() -> task<result<>> {
    nursery children;
    EXPECT_TRUE(children.try_spawn(makes_it_up()));
    co_return co_await children.join();
  };
  EXPECT_TRUE(run(main()).error().is_cancelled());
}

TEST_F(nursery_test, a_spawner_that_is_cancelled_leaves_the_line_with_its_task) {
  cancellation scope;
  event released(event_reset::manual);
  auto main = [&]() -> task<> {
    nursery children(nursery_options(1));
    auto spawns = [&](char name) -> task<> {
      result<> spawned = co_await children.spawn(child(released, seen_, name));
      seen_ += spawned ? '+' : '-';
    };
    co_await spawns('a');
    auto cancelled = [&]() -> task<> { co_await spawns('b').under(&scope); };
    auto releases = [&]() -> task<> {
      co_await request_after(1ms, scope);
      co_await yields(2);
      released.set();
    };
    co_await when_all(cancelled(), spawns('c'), releases());
    result<> joined = co_await children.join();
    EXPECT_TRUE(joined);
  };
  run(main());
  EXPECT_EQ(seen_, "+a-.+c.");
}

TEST_F(nursery_test, propagate_an_exception_cancels_the_siblings_and_join_throws_it) {
  auto main = [&]() -> task<> {
    nursery children;
    EXPECT_TRUE(children.try_spawn(child(never_, seen_, 'a')));
    EXPECT_TRUE(children.try_spawn(throws("first")));
    EXPECT_TRUE(children.try_spawn(child(never_, seen_, 'b')));
    std::string caught;
    try {
      result<> joined = co_await children.join();
      EXPECT_TRUE(joined) << "not reached";
    } catch (const std::runtime_error& thrown) {
      caught = thrown.what();
    }
    EXPECT_EQ(caught, "first");
    EXPECT_EQ(children.failures(), 1u);
  };
  run(main());
  EXPECT_EQ(seen_, "ab!!");
}

TEST_F(nursery_test, propagate_an_error_cancels_the_siblings_and_join_returns_it) {
  auto main = [&]() -> task<result<>> {
    nursery children;
    EXPECT_TRUE(children.try_spawn(child(never_, seen_, 'a')));
    EXPECT_TRUE(children.try_spawn(fails(errc::protocol)));
    co_return co_await children.join();
  };
  EXPECT_EQ(run(main()).error(), errc::protocol);
  EXPECT_EQ(seen_, "a!");
}

TEST_F(nursery_test, propagate_reports_the_failures_that_join_does_not_deliver) {
  std::string reported;
  auto main = [&]() -> task<result<>> {
    nursery_options options;
    options.on_failure = [&](const failure& why) { reported += why.message() + ";"; };
    nursery children(std::move(options));
    EXPECT_TRUE(children.try_spawn(fails(errc::protocol)));
    EXPECT_TRUE(children.try_spawn(fails(errc::closed)));
    EXPECT_TRUE(children.try_spawn(throws("third")));
    co_return co_await children.join();
  };
  EXPECT_EQ(run(main()).error(), errc::protocol);
  EXPECT_EQ(reported, "child: closed on this side;exception: third;");
}

TEST_F(nursery_test, isolate_a_failing_child_ends_alone_and_is_reported) {
  std::string reported;
  event released(event_reset::manual);
  auto main = [&]() -> task<> {
    nursery_options options(10, nursery_policy::isolate);
    options.on_failure = [&](const failure& why) { reported += why.message() + ";"; };
    nursery children(std::move(options));
    EXPECT_TRUE(children.try_spawn(child(released, seen_, 'a')));
    EXPECT_TRUE(children.try_spawn(throws("one")));
    EXPECT_TRUE(children.try_spawn(fails(errc::protocol)));
    co_await yields(5);
    EXPECT_EQ(children.size(), 1u);
    EXPECT_EQ(children.failures(), 2u);
    released.set();
    result<> joined = co_await children.join();
    EXPECT_TRUE(joined);
  };
  run(main());
  EXPECT_EQ(seen_, "a.");
  EXPECT_EQ(reported, "exception: one;child: the peer broke the protocol;");
}

TEST_F(nursery_test, a_cancellation_that_reaches_join_cancels_the_children) {
  cancellation scope;
  auto main = [&]() -> task<> {
    nursery children;
    EXPECT_TRUE(children.try_spawn(child(never_, seen_, 'a')));
    auto joins = [&]() -> task<> {
      result<> joined = co_await children.join();
      EXPECT_TRUE(joined);
    };
    co_await when_all(joins(), request_after(1ms, scope));
  };
  run(main(), &scope);
  EXPECT_EQ(seen_, "a!");
}

TEST_F(nursery_test, join_in_a_cancelled_scope_waits_still) {
  cancellation scope;
  scope.request();
  auto slow_to_end = [&]() -> task<> {
    co_await child(never_, seen_, 'a');
    co_await yields(5);
    seen_ += " ended";
  };
  auto main = [&]() -> task<> {
    nursery children;
    EXPECT_TRUE(children.try_spawn(slow_to_end()));
    result<> joined = co_await children.join();
    EXPECT_TRUE(joined);
    seen_ += " joined";
  };
  run(main(), &scope);
  EXPECT_EQ(seen_, "a! ended joined");
}

TEST_F(nursery_test, is_cancelled_with_its_parent) {
  cancellation parent;
  auto main = [&]() -> task<> {
    nursery children(nursery_options(), &parent);
    EXPECT_TRUE(children.try_spawn(child(never_, seen_, 'a')));
    co_await request_after(1ms, parent);
    result<> joined = co_await children.join();
    EXPECT_TRUE(joined);
  };
  run(main());
  EXPECT_EQ(seen_, "a!");
}

TEST_F(nursery_test, children_run_in_its_scope) {
  cancellation* scope = nullptr;
  auto looks = [&]() -> task<> { scope = co_await current_cancellation(); };
  auto main = [&]() -> task<bool> {
    nursery children;
    EXPECT_TRUE(children.try_spawn(looks()));
    result<> joined = co_await children.join();
    co_return joined&& scope == &children.scope();
  };
  EXPECT_TRUE(run(main()));
}

TEST_F(nursery_test, can_be_used_again_after_a_join) {
  auto main = [&]() -> task<> {
    nursery children;
    for (int round = 0; round < 3; ++round) {
      EXPECT_TRUE(children.try_spawn(yields(2)));
      result<> joined = co_await children.join();
      EXPECT_TRUE(joined);
    }
  };
  run(main());
}

TEST_F(nursery_test, takes_no_child_between_the_end_of_the_last_and_the_end_of_join) {
  event released(event_reset::manual);
  auto main = [&]() -> task<> {
    nursery children;
    EXPECT_TRUE(children.try_spawn(child(released, seen_, 'a')));
    auto joins = [&]() -> task<> {
      result<> joined = co_await children.join();
      EXPECT_TRUE(joined);
      seen_ += 'j';
    };
    auto spawns_late = [&]() -> task<> { // woken with the child, and so before the join
      result<> passed = co_await released.wait();
      EXPECT_TRUE(passed);
      EXPECT_EQ(children.size(), 0u);
      EXPECT_FALSE(children.try_spawn(child(released, seen_, 'x')));
      seen_ += 's';
    };
    auto sets = [&]() -> task<> {
      released.set();
      co_return;
    };
    co_await yields(1); // the child waits now
    co_await when_all(spawns_late(), joins(), sets());
  };
  run(main());
  EXPECT_EQ(seen_, "a.sj");
}

#ifndef NDEBUG
TEST_F(nursery_test, must_not_die_before_its_children) {
  auto main = [&]() -> task<> {
    nursery children;
    EXPECT_TRUE(children.try_spawn(child(never_, seen_, 'a')));
    co_return;
  };
  EXPECT_DEATH(run(main()), "before its children had ended");
}
#endif

/// Each child spawns the next before it ends: no stack may grow.
task<> spawns_next(nursery& in, int left) {
  result<> spawned;
  if (left > 0) spawned = co_await in.spawn(spawns_next(in, left - 1));
  EXPECT_TRUE(spawned);
}

TEST_F(nursery_test, children_that_spawn_children_need_no_stack) {
  auto main = [&]() -> task<result<>> {
    nursery children(nursery_options(2));
    EXPECT_TRUE(children.try_spawn(spawns_next(children, 200'000)));
    co_return co_await children.join();
  };
  EXPECT_TRUE(run(main()));
}

} // namespace
} // namespace weir
