// Blocking work from coroutines, on the loops of the backends and a pool of few threads.
#include <weir/async/event.hpp>
#include <weir/async/offload.hpp>
#include <weir/async/sleep.hpp>

#include <support/allocations.hpp>
#include <support/coroutine_fixture.hpp>

#include <atomic>
#include <memory>
#include <numeric>
#include <semaphore>
#include <stdexcept>
#include <thread>
#include <vector>

namespace weir::test {
namespace {

/// A function that begins and then blocks its thread until the test opens it.
class blocker {
 public:
  int operator()() {
    has_begun = true;
    may_end_.acquire();
    return 1;
  }
  void open() { may_end_.release(); }
  /// What offload takes: it refers to this.
  auto function() {
    return [this] { return (*this)(); };
  }

  std::atomic<bool> has_begun = false;

 private:
  std::binary_semaphore may_end_{0};
};

class offload_test : public backend_test {
 protected:
  void SetUp() override { open_with(options()); }
  void open_with(loop_options chosen) {
    chosen.blocking = &pool_;
    reopen(chosen);
  }
  static blocking_pool_options one_thread_a_class() {
    blocking_pool_options options;
    options.classes.fill(pool_class_options(1, 2));
    return options;
  }

  blocking_pool pool_{one_thread_a_class()};
};

TEST_P(offload_test, gives_what_the_function_gives_from_another_thread) {
  run([&]() -> task<> {
    result<std::thread::id> ran_on =
        co_await offload(pool_class::cpu, [] { return std::this_thread::get_id(); });
    EXPECT_NE(ran_on.value(), std::this_thread::get_id());
    auto gives_owner = [] { return std::make_unique<int>(6); };
    auto owner = co_await offload(pool_class::cpu, gives_owner);
    EXPECT_EQ(**owner, 6);
    bool has_run = false;
    result<> nothing = co_await offload(pool_class::disk, [&] { has_run = true; });
    EXPECT_TRUE(nothing && has_run);
    auto fails = []() -> result<int> { return fail(errc::protocol); };
    result<int> failed = co_await offload(pool_class::user, fails);
    EXPECT_EQ(failed.error(), errc::protocol) << "a result stays one";
  });
}

TEST_P(offload_test, an_exception_comes_back_to_who_awaits) {
  auto throws = []() -> int { throw std::runtime_error("of the function"); };
  run([&]() -> task<> {
    std::string caught;
    try {
      result<int> never = co_await offload(pool_class::cpu, throws);
      EXPECT_FALSE(never) << "not reached";
    } catch (const std::runtime_error& thrown) {
      caught = thrown.what();
    }
    EXPECT_EQ(caught, "of the function");
  });
}

TEST_P(offload_test, a_saturated_class_leaves_the_others_and_the_loop_free) {
  blocker holds;
  run([&]() -> task<> {
    auto waits = [&]() -> task<int> {
      result<int> held = co_await offload(pool_class::dns, holds.function());
      co_return held.value();
    };
    auto stands_in_line = [&]() -> task<int> {
      result<int> value = co_await offload(pool_class::dns, [] { return 10; });
      co_return value.value();
    };
    auto goes_on = [&]() -> task<> {
      co_await until([&] { return holds.has_begun.load(); });
      EXPECT_EQ(pool_.queued(pool_class::dns), 4u) << "in line, twice as many as the bound";
      for (pool_class free : {pool_class::cpu, pool_class::disk, pool_class::user}) {
        result<int> value = co_await offload(free, [] { return 2; });
        EXPECT_EQ(value.value(), 2);
      }
      result<> slept = co_await sleep_for(2ms); // timers run
      EXPECT_TRUE(slept);
      EXPECT_EQ(pool_.queued(pool_class::dns), 4u);
      holds.open();
    };
    auto [first, a, b, c, d, done] = co_await when_all(waits(), stands_in_line(), stands_in_line(),
                                                       stands_in_line(), stands_in_line(), goes_on());
    EXPECT_EQ(first + a + b + c + d, 41);
  });
}

TEST_P(offload_test, refuses_at_the_bound_where_it_is_told_to) {
  blocker holds;
  run([&]() -> task<> {
    auto waits = [&]() -> task<result<int>> {
      co_return co_await offload(pool_class::user, holds.function(), when_full::refuse);
    };
    auto nothing = []() -> int { return 0; };
    auto queues = [&]() -> task<result<int>> {
      co_return co_await offload(pool_class::user, nothing, when_full::refuse);
    };
    auto one_too_many = [&]() -> task<result<int>> {
      result<int> refused = co_await queues();
      holds.open();
      co_return refused;
    };
    auto tries = [&]() -> task<> {
      co_await until([&] { return holds.has_begun.load(); });
      auto [first, second, third] = co_await when_all(queues(), queues(), one_too_many());
      EXPECT_TRUE(first && second);
      EXPECT_EQ(third.error(), errc::limit_reached);
    };
    auto [held, done] = co_await when_all(waits(), tries());
    EXPECT_TRUE(held);
  });
}

TEST_P(offload_test, cancelled_before_it_begins_it_never_begins) {
  blocker holds;
  bool has_run = false;
  run([&]() -> task<> {
    cancellation scope;
    auto waits = [&]() -> task<> {
      result<int> held = co_await offload(pool_class::user, holds.function());
      EXPECT_TRUE(held);
    };
    auto cancelled = [&]() -> task<> {
      result<> outcome = co_await offload(pool_class::user, [&] { has_run = true; });
      EXPECT_TRUE(!outcome && outcome.error().is_cancelled());
      EXPECT_EQ(pool_.queued(pool_class::user), 0u);
      holds.open(); // the outcome did not wait for the thread
    };
    auto runs_cancelled = [&]() -> task<> { co_await cancelled().under(&scope); };
    auto cancels = [&]() -> task<> {
      co_await until([&] { return holds.has_begun.load(); });
      EXPECT_EQ(pool_.queued(pool_class::user), 1u);
      scope.request();
    };
    co_await when_all(waits(), runs_cancelled(), cancels());
    result<> behind = co_await offload(pool_class::user, [] {});
    EXPECT_TRUE(behind);
    result<> in_ended_scope = co_await offload(pool_class::user, [&] { has_run = true; }).under(&scope);
    EXPECT_TRUE(in_ended_scope.error().is_cancelled());
  });
  EXPECT_FALSE(has_run);
}

TEST_P(offload_test, cancelled_while_it_runs_it_is_awaited_and_its_value_delivered) {
  blocker holds;
  run([&]() -> task<> {
    cancellation scope;
    bool has_ended = false;
    auto runs = [&]() -> task<> {
      result<int> value = co_await offload(pool_class::user, holds.function());
      EXPECT_EQ(value.value(), 1);
      has_ended = true;
    };
    auto runs_cancelled = [&]() -> task<> { co_await runs().under(&scope); };
    auto cancels = [&]() -> task<> {
      co_await until([&] { return holds.has_begun.load(); });
      scope.request();
      co_await turns(3);
      EXPECT_FALSE(has_ended);
      EXPECT_EQ(on().answers_owed(), 1u);
      holds.open();
    };
    co_await when_all(runs_cancelled(), cancels());
    EXPECT_TRUE(has_ended);
    EXPECT_EQ(on().answers_owed(), 0u);
  });
}

TEST_P(offload_test, a_function_that_runs_hears_of_its_cancellation) {
  std::atomic<bool> has_begun = false;
  auto until_asked = [&](std::stop_token stop) {
    std::binary_semaphore asked(0);
    std::stop_callback asks(stop, [&] { asked.release(); });
    has_begun = true;
    asked.acquire();
    return 7;
  };
  run([&]() -> task<> {
    cancellation scope;
    auto runs = [&]() -> task<> {
      result<int> value = co_await offload(pool_class::user, until_asked).under(&scope);
      EXPECT_EQ(value.value(), 7);
    };
    auto cancels = [&]() -> task<> {
      co_await until([&] { return has_begun.load(); });
      scope.request();
    };
    co_await when_all(runs(), cancels());
  });
}

TEST_P(offload_test, a_deadline_ends_the_wait_in_line) {
  blocker holds;
  run([&]() -> task<> {
    auto waits = [&]() -> task<> {
      result<int> held = co_await offload(pool_class::dns, holds.function());
      EXPECT_TRUE(held);
    };
    auto in_line = [&]() -> task<> {
      co_await until([&] { return holds.has_begun.load(); });
      auto nothing = []() -> int { return 0; };
      result<int> late = co_await with_deadline(1ms, offload(pool_class::dns, nothing));
      EXPECT_TRUE(late.error().is_timeout());
      holds.open();
    };
    co_await when_all(waits(), in_line());
  });
}

TEST_P(offload_test, no_answer_is_lost_though_the_inbox_takes_nothing) {
  loop_options full = options();
  full.inbox_max = 0;
  open_with(full);
  run([&]() -> task<> {
    auto one = [](int value) -> task<int> {
      result<int> same = co_await offload(pool_class::cpu, [&] { return value; });
      co_return same.value();
    };
    std::vector<task<int>> tasks;
    for (int i = 1; i <= 100; ++i) tasks.push_back(one(i));
    std::vector<int> values = co_await when_all(std::move(tasks));
    EXPECT_EQ(std::accumulate(values.begin(), values.end(), 0), 5050);
  });
}

TEST_P(offload_test, the_loop_may_end_as_soon_as_the_answer_is_there) {
  loop_options often = options();
  often.blocking = &pool_;
  for (int i = 0; i < 100; ++i) {
    auto short_lived = loop::create(often);
    ASSERT_TRUE(short_lived);
    result<int> value = weir::run(**short_lived, offload(pool_class::cpu, [] { return 1; }));
    EXPECT_EQ(value.value(), 1);
  }
}

TEST_P(offload_test, allocates_nothing_on_the_thread_of_the_loop) {
  run([&]() -> task<> {
    std::uint64_t before = 0;
    for (int i = 0; i < 200; ++i) {
      if (i == 100) before = allocations_of_this_thread();
      result<int> value = co_await offload(pool_class::cpu, [] { return 1; });
      EXPECT_TRUE(value);
    }
    EXPECT_EQ(allocations_of_this_thread() - before, 0u);
  });
}

INSTANTIATE_TEST_SUITE_P(, offload_test, on_each_real_backend(), name_of_backend);

TEST(offload_of_process, loops_share_the_pool_of_the_process) {
  auto with_defaults = loop::create();
  ASSERT_TRUE(with_defaults);
  EXPECT_EQ(&(*with_defaults)->blocking(), &blocking_pool::of_process());
  result<int> value = run(**with_defaults, offload(pool_class::cpu, [] { return 3; }));
  EXPECT_EQ(value.value(), 3);
}

} // namespace
} // namespace weir::test
