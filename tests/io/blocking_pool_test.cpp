#include <weir/io/blocking_pool.hpp>

#include <gtest/gtest.h>
#include <sched.h>
#include <unistd.h>

#include <atomic>
#include <csignal>
#include <cstdlib>
#include <deque>
#include <functional>
#include <latch>
#include <limits>
#include <memory>
#include <optional>
#include <semaphore>
#include <string>
#include <thread>
#include <vector>

namespace weir {
namespace {

/// A piece of work for tests: any function. Made before the pool, which waits for it when it ends.
class piece : public pool_work {
 public:
  explicit piece(std::function<void()> what)
      : pool_work([](pool_work& self) noexcept { static_cast<piece&>(self).what_(); }),
        what_(std::move(what)) {}

 private:
  std::function<void()> what_;
};

/// Work that begins and then waits until the test lets it end.
class held_piece : public piece {
 public:
  held_piece() : piece([this] { hold(); }) {}

  void wait_until_begun() { begun_.acquire(); }
  void let_end() { may_end_.release(); }

 private:
  void hold() {
    begun_.release();
    may_end_.acquire();
  }
  std::binary_semaphore begun_{0};
  std::binary_semaphore may_end_{0};
};

blocking_pool_options small_pool(unsigned threads, std::size_t queued) {
  blocking_pool_options options;
  options.classes.fill(pool_class_options(threads, queued));
  return options;
}

/// Waits for a thread to get as far as that; for what no event tells.
void wait_until(const std::function<bool()>& happened) {
  while (!happened()) std::this_thread::yield();
}

/// The thread of a loop that is pinned starts them, and computes beside them otherwise.
TEST(blocking_pool, its_threads_run_where_the_thread_may_that_made_it) {
  cpu_set_t allowed;
  ASSERT_EQ(::sched_getaffinity(0, sizeof allowed, &allowed), 0);
  if (CPU_COUNT(&allowed) < 2) GTEST_SKIP() << "needs two cores";
  std::latch done(1);
  cpu_set_t seen;
  piece look([&] {
    ::sched_getaffinity(0, sizeof seen, &seen);
    done.count_down();
  });
  blocking_pool pool(small_pool(1, 10));
  std::thread pinned([&] {
    cpu_set_t one;
    CPU_ZERO(&one);
    for (int core = 0; CPU_COUNT(&one) == 0; ++core)
      if (CPU_ISSET(core, &allowed)) CPU_SET(core, &one);
    EXPECT_EQ(::sched_setaffinity(0, sizeof one, &one), 0);
    EXPECT_TRUE(pool.submit(pool_class::cpu, look));
  });
  pinned.join();
  done.wait();
  EXPECT_TRUE(CPU_EQUAL(&seen, &allowed));
}

TEST(blocking_pool, its_threads_give_way_to_loops) {
  int policy = -1;
  piece ask([&] { policy = ::sched_getscheduler(0); });
  {
    blocking_pool pool(small_pool(1, 8));
    ASSERT_TRUE(pool.submit(pool_class::disk, ask));
  }
  EXPECT_EQ(policy, SCHED_BATCH);
  EXPECT_EQ(::sched_getscheduler(0), SCHED_OTHER) << "of who started them";
}

TEST(blocking_pool, runs_a_class_in_order_of_arrival_on_as_many_threads_as_it_has) {
  std::string order; // one thread: it needs no lock
  std::latch done(5);
  held_piece first;
  std::deque<piece> pieces;
  blocking_pool pool(small_pool(1, 100));
  EXPECT_EQ(pool.threads(pool_class::user), 0u) << "they start when they are needed";
  ASSERT_TRUE(pool.submit(pool_class::user, first));
  for (char name : {'a', 'b', 'c', 'd', 'e'})
    ASSERT_TRUE(pool.submit(pool_class::user, pieces.emplace_back([&, name] {
      order += name;
      done.count_down();
    })));
  first.wait_until_begun();
  EXPECT_EQ(pool.threads(pool_class::user), 1u);
  EXPECT_EQ(pool.threads_busy(pool_class::user), 1u);
  EXPECT_EQ(pool.queued(pool_class::user), 5u);
  first.let_end();
  done.wait();
  EXPECT_EQ(order, "abcde");
  EXPECT_EQ(pool.threads(pool_class::cpu), 0u) << "of other classes none";
}

TEST(blocking_pool, starts_threads_up_to_its_bound_and_uses_the_idle_ones) {
  std::deque<held_piece> held(4);
  blocking_pool pool(small_pool(3, 100));
  for (held_piece& each : held) ASSERT_TRUE(pool.submit(pool_class::user, each));
  for (std::size_t i = 0; i < 3; ++i) held[i].wait_until_begun();
  EXPECT_EQ(pool.threads(pool_class::user), 3u);
  EXPECT_EQ(pool.queued(pool_class::user), 1u);
  for (held_piece& each : held) each.let_end();
  wait_until([&] { return pool.threads_busy(pool_class::user) == 0; });
  for (int i = 0; i < 20; ++i) {
    held_piece next;
    ASSERT_TRUE(pool.submit(pool_class::user, next));
    next.wait_until_begun();
    next.let_end();
    wait_until([&] { return pool.threads_busy(pool_class::user) == 0; });
  }
  EXPECT_EQ(pool.threads(pool_class::user), 3u);
}

TEST(blocking_pool, one_idle_thread_does_not_need_another) {
  blocking_pool pool(small_pool(8, 100));
  for (int i = 0; i < 20; ++i) {
    held_piece next;
    ASSERT_TRUE(pool.submit(pool_class::user, next));
    next.wait_until_begun();
    next.let_end();
    wait_until([&] { return pool.threads_busy(pool_class::user) == 0; });
  }
  EXPECT_EQ(pool.threads(pool_class::user), 1u);
}

TEST(blocking_pool, a_class_that_is_full_refuses_and_leaves_the_others_free) {
  held_piece holds;
  piece first([] {}), second([] {}), one_too_many([] {}), in_line([] {});
  blocking_pool pool(small_pool(1, 2));
  ASSERT_TRUE(pool.submit(pool_class::dns, holds));
  holds.wait_until_begun();
  ASSERT_TRUE(pool.submit(pool_class::dns, first));
  ASSERT_TRUE(pool.submit(pool_class::dns, second));
  EXPECT_EQ(pool.submit(pool_class::dns, one_too_many).error(), errc::limit_reached);
  EXPECT_TRUE(pool.submit(pool_class::dns, in_line, when_full::wait));
  EXPECT_EQ(pool.queued(pool_class::dns), 3u);
  for (pool_class other : {pool_class::cpu, pool_class::disk, pool_class::user}) {
    held_piece runs;
    ASSERT_TRUE(pool.submit(other, runs));
    runs.wait_until_begun();
    runs.let_end();
    wait_until([&] { return pool.threads_busy(other) == 0; });
  }
  EXPECT_EQ(pool.queued(pool_class::dns), 3u);
  holds.let_end();
}

TEST(blocking_pool, what_is_revoked_before_it_begins_never_does) {
  bool has_run = false;
  held_piece holds;
  piece revoked([&] { has_run = true; });
  piece takes_its_room([] {});
  {
    blocking_pool pool(small_pool(1, 1));
    ASSERT_TRUE(pool.submit(pool_class::user, holds));
    holds.wait_until_begun();
    EXPECT_FALSE(pool.revoke(pool_class::user, holds)) << "it has begun";
    ASSERT_TRUE(pool.submit(pool_class::user, revoked));
    EXPECT_TRUE(pool.revoke(pool_class::user, revoked));
    EXPECT_FALSE(pool.revoke(pool_class::user, revoked)) << "it is not there any more";
    EXPECT_TRUE(pool.submit(pool_class::user, takes_its_room));
    holds.let_end();
  }
  EXPECT_FALSE(has_run);
}

TEST(blocking_pool, its_end_runs_what_is_queued_and_waits_for_it) {
  int ran = 0;
  std::deque<piece> pieces;
  held_piece holds;
  std::jthread lets_end;
  {
    blocking_pool pool(small_pool(1, 100));
    ASSERT_TRUE(pool.submit(pool_class::disk, holds));
    for (int i = 0; i < 10; ++i)
      ASSERT_TRUE(pool.submit(pool_class::disk, pieces.emplace_back([&] { ++ran; })));
    lets_end = std::jthread([&] {
      holds.wait_until_begun();
      holds.let_end();
    });
  }
  EXPECT_EQ(ran, 10);
}

TEST(blocking_pool, idle_threads_end_and_others_take_their_places) {
  blocking_pool_options options = small_pool(2, 100);
  options.idle_ns = 1;
  blocking_pool pool(options);
  for (int round = 0; round < 5; ++round) {
    std::deque<held_piece> held(2);
    for (held_piece& each : held) ASSERT_TRUE(pool.submit(pool_class::user, each));
    for (held_piece& each : held) each.wait_until_begun();
    EXPECT_EQ(pool.threads(pool_class::user), 2u);
    for (held_piece& each : held) each.let_end();
    wait_until([&] { return pool.threads(pool_class::user) == 0; });
  }
}

TEST(blocking_pool, idle_threads_that_never_end_stay) {
  for (std::uint64_t never : {std::uint64_t{std::numeric_limits<std::int64_t>::max()}, ~std::uint64_t{0}}) {
    int ran_on_the_last = 0;
    piece counts([&] {
      thread_local int ran_here = 0;
      ran_on_the_last = ++ran_here;
    });
    blocking_pool_options options = small_pool(1, 1);
    options.idle_ns = never;
    blocking_pool pool(options);
    for (int i = 0; i < 20; ++i) {
      ASSERT_TRUE(pool.submit(pool_class::user, counts));
      wait_until(
          [&] { return pool.queued(pool_class::user) == 0 && pool.threads_busy(pool_class::user) == 0; });
    }
    EXPECT_EQ(ran_on_the_last, 20);
  }
}

TEST(blocking_pool_of_process, a_forked_child_exits_though_it_has_none_of_its_threads) {
  std::binary_semaphore done(0);
  piece any([&] { done.release(); });
  blocking_pool& pool = blocking_pool::of_process();
  ASSERT_TRUE(pool.submit(pool_class::user, any));
  done.acquire();
  const auto exits = [] {
    ::alarm(10); // ends a child that hangs
    std::exit(0);
  };
  EXPECT_EXIT(exits(), testing::ExitedWithCode(0), "");
}

TEST(blocking_pool, its_threads_take_no_signals_and_say_who_they_are) {
  sigset_t before;
  pthread_sigmask(SIG_SETMASK, nullptr, &before);
  sigset_t blocked;
  char name[16] = "";
  std::binary_semaphore done(0);
  piece looks([&] {
    pthread_sigmask(SIG_SETMASK, nullptr, &blocked);
    pthread_getname_np(pthread_self(), name, sizeof name);
    done.release();
  });
  blocking_pool pool(small_pool(1, 1));
  ASSERT_TRUE(pool.submit(pool_class::disk, looks));
  done.acquire();
  for (int number : {SIGTERM, SIGINT, SIGUSR1}) EXPECT_EQ(sigismember(&blocked, number), 1);
  EXPECT_STREQ(name, "weir-disk");
  sigset_t after;
  pthread_sigmask(SIG_SETMASK, nullptr, &after);
  EXPECT_EQ(sigismember(&after, SIGTERM), sigismember(&before, SIGTERM))
      << "the starting thread's are its own";
}

TEST(blocking_pool, work_may_end_its_own_life) {
  struct ends_itself : pool_work {
    explicit ends_itself(std::latch& counted)
        : pool_work([](pool_work& self) noexcept {
            std::latch& counter = static_cast<ends_itself&>(self).done;
            delete static_cast<ends_itself*>(&self);
            counter.count_down();
          }),
          done(counted) {}
    std::latch& done;
  };
  std::latch all_done(100);
  blocking_pool pool(small_pool(4, 100));
  for (int i = 0; i < 100; ++i)
    ASSERT_TRUE(pool.submit(pool_class::cpu, *new ends_itself(all_done), when_full::wait));
  all_done.wait();
}

TEST(blocking_pool, takes_work_from_many_threads_and_loses_none) {
  constexpr int submitters = 4;
  constexpr int pieces_each = 500;
  std::latch done(submitters * pieces_each);
  std::atomic<int> ran = 0;
  std::vector<std::deque<piece>> pieces(submitters);
  for (auto& own : pieces)
    for (int i = 0; i < pieces_each; ++i)
      own.emplace_back([&] {
        ++ran;
        done.count_down();
      });
  blocking_pool pool(small_pool(3, 8));
  std::vector<std::jthread> threads;
  for (auto& own : pieces)
    threads.emplace_back([&pool, &own] {
      for (piece& each : own)
        while (!pool.submit(pool_class::user, each)) std::this_thread::yield();
    });
  done.wait();
  EXPECT_EQ(ran, submitters * pieces_each);
}

} // namespace
} // namespace weir
