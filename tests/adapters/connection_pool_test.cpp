// The pool with connections that a test makes break, hang and come back: on every backend.
#include <weir/adapters/connection_pool.hpp>

#include <support/allocations.hpp>
#include <support/coroutine_fixture.hpp>

#include <deque>
#include <set>
#include <vector>

namespace weir::test {
namespace {

/// What a fake server sees of its connections.
struct fake_server {
  int opened = 0;
  int open = 0;
  int recoveries = 0;
  bool is_down = false;
  bool recovers = true;
  event* gate = nullptr; ///< attempts to connect wait for it
};

class fake_connection {
 public:
  explicit fake_connection(fake_server& to) : server_(&to), number_(++to.opened) { ++to.open; }
  fake_connection(fake_connection&& other) noexcept
      : state_is(other.state_is), server_(std::exchange(other.server_, nullptr)), number_(other.number_) {}
  fake_connection& operator=(fake_connection&&) = delete;
  ~fake_connection() {
    if (server_) --server_->open;
  }

  connection_state state() noexcept { return state_is; }
  task<result<>> recover() {
    ++server_->recoveries;
    if (!server_->recovers) {
      result<> slept = co_await sleep_for(1h);
      if (!slept) co_return slept;
    }
    co_await turns(2);
    state_is = connection_state::ready;
    co_return result<>();
  }
  int number() const { return number_; }

  connection_state state_is = connection_state::ready;

 private:
  fake_server* server_;
  int number_;
};

using fake_pool = connection_pool<fake_connection>;

class connection_pool_test : public backend_test {
 protected:
  static connection_pool_options quick(std::size_t connections) {
    connection_pool_options made(connections);
    made.backoff_base = 1ms;
    made.backoff_max = 4ms;
    made.recover_max = 1h; // a machine that is busy must not look like a connection that is
    return made;
  }

  fake_pool::connector connects() {
    return [this]() -> task<result<fake_connection>> {
      if (server.gate) {
        result<> open = co_await server.gate->wait();
        if (!open) co_return fail(std::move(open).error());
      }
      if (server.is_down) co_return fail(std::errc::connection_refused, "connect");
      co_return fake_connection(server);
    };
  }

  /// Runs `body` with a pool, closes it, and looks for what is left.
  template <class Body>
  void with_pool(const connection_pool_options& options, Body body) {
    run([&]() -> task<> {
      fake_pool pool(options, connects());
      co_await body(pool);
      result<> closed = co_await pool.close();
      EXPECT_TRUE(closed);
      EXPECT_EQ(server.open, 0);
    });
  }

  fake_server server;
};

TEST_P(connection_pool_test, lends_each_connection_to_one_task_and_never_makes_more_than_its_bound) {
  with_pool(quick(4), [&](fake_pool& pool) -> task<> {
    std::set<int> lent;
    auto use = [&]() -> task<> {
      result<fake_pool::lease> db = co_await pool.acquire();
      EXPECT_TRUE(db);
      if (!db) co_return;
      EXPECT_TRUE(lent.insert((*db)->number()).second);
      co_await yield();
      lent.erase((*db)->number());
    };
    std::vector<task<>> users;
    for (int i = 0; i < 200; ++i) users.push_back(use());
    co_await when_all(std::move(users));
    EXPECT_EQ(server.opened, 4);
    EXPECT_EQ(pool.idle(), 4u);
    EXPECT_EQ(pool.waiting(), 0u);
  });
}

TEST_P(connection_pool_test, serves_in_the_order_of_arrival) {
  with_pool(quick(1), [&](fake_pool& pool) -> task<> {
    std::string order;
    auto use = [&](char name) -> task<> {
      result<fake_pool::lease> db = co_await pool.acquire();
      order += name;
      co_await turns(1);
    };
    co_await when_all(use('a'), use('b'), use('c'), use('d'));
    EXPECT_EQ(order, "abcd");
  });
}

TEST_P(connection_pool_test, allocates_nothing_to_lend_and_to_take_back) {
  with_pool(quick(1), [&](fake_pool& pool) -> task<> {
    auto use = [&](int times) -> task<> {
      for (int i = 0; i < times; ++i) {
        result<fake_pool::lease> db = co_await pool.acquire(); // the other one has it every other time
        EXPECT_TRUE(db);
        co_await yield();
      }
    };
    co_await when_all(use(3), use(3));
    const std::uint64_t before = allocations_of_this_thread();
    co_await when_all(use(100), use(100));
    EXPECT_EQ(allocations_of_this_thread(), before);
  });
}

TEST_P(connection_pool_test, lends_the_one_used_last_first) {
  with_pool(quick(3), [&](fake_pool& pool) -> task<> {
    std::optional<fake_pool::lease> first;
    first.emplace((co_await pool.acquire()).value());
    std::optional<fake_pool::lease> second;
    second.emplace((co_await pool.acquire()).value());
    const int last = (*first)->number();
    second.reset();
    first.reset();
    result<fake_pool::lease> again = co_await pool.acquire();
    EXPECT_EQ((*again)->number(), last);
  });
}

TEST_P(connection_pool_test, a_deadline_takes_a_task_out_of_the_line_and_its_place_costs_nothing) {
  with_pool(quick(1), [&](fake_pool& pool) -> task<> {
    auto acquire = [&]() -> task<result<fake_pool::lease>> { co_return co_await pool.acquire(); };
    result<fake_pool::lease> held = co_await pool.acquire();
    result<fake_pool::lease> late = co_await with_deadline(1ms, acquire());
    EXPECT_TRUE(!late && late.error().is_timeout());
    EXPECT_EQ(pool.waiting(), 0u);
    held->release();
    result<fake_pool::lease> next = co_await with_deadline(10s, acquire());
    EXPECT_TRUE(next);
  });
}

TEST_P(connection_pool_test, a_connection_that_comes_with_the_cancellation_is_not_lost) {
  with_pool(quick(1), [&](fake_pool& pool) -> task<> {
    std::optional<fake_pool::lease> held;
    held.emplace((co_await pool.acquire()).value());
    cancellation scope;
    auto acquire = [&]() -> task<bool> {
      result<fake_pool::lease> got = co_await pool.acquire();
      co_return got.has_value();
    };
    auto race = [&]() -> task<> {
      co_await turns(1);
      held.reset(); // the waiter is woken with it
      scope.request();
    };
    auto in_scope = [&]() -> task<bool> { co_return co_await acquire().under(&scope); };
    auto [got, done] = co_await when_all(in_scope(), race());
    EXPECT_TRUE(got);
    EXPECT_EQ(pool.idle(), 1u);
  });
}

TEST_P(connection_pool_test, the_line_is_bounded) {
  connection_pool_options options = quick(1);
  options.waiting_max = 2;
  with_pool(options, [&](fake_pool& pool) -> task<> {
    std::optional<fake_pool::lease> held;
    held.emplace((co_await pool.acquire()).value());
    auto waits = [&]() -> task<bool> {
      result<fake_pool::lease> got = co_await pool.acquire();
      co_return got.has_value();
    };
    auto comes_late = [&]() -> task<> {
      result<fake_pool::lease> refused = co_await pool.acquire();
      EXPECT_TRUE(!refused && refused.error() == errc::limit_reached);
      held.reset();
    };
    auto [one, two, late] = co_await when_all(waits(), waits(), comes_late());
    EXPECT_TRUE(one && two);
  });
}

TEST_P(connection_pool_test, broken_ones_are_replaced) {
  with_pool(quick(1), [&](fake_pool& pool) -> task<> {
    for (int round = 1; round <= 3; ++round) {
      result<fake_pool::lease> db = co_await pool.acquire();
      EXPECT_EQ((*db)->number(), round);
      (*db)->state_is = connection_state::broken;
    }
    EXPECT_EQ(pool.size(), 0u);
  });
}

TEST_P(connection_pool_test, one_that_breaks_while_it_idles_is_not_lent) {
  with_pool(quick(1), [&](fake_pool& pool) -> task<> {
    fake_connection* idles = nullptr;
    {
      result<fake_pool::lease> db = co_await pool.acquire();
      idles = &**db;
    }
    EXPECT_EQ(pool.idle(), 1u);
    idles->state_is = connection_state::broken;
    result<fake_pool::lease> db = co_await pool.acquire();
    EXPECT_EQ((*db)->number(), 2);
  });
}

TEST_P(connection_pool_test, dirty_ones_are_recovered_and_never_lent_before) {
  with_pool(quick(1), [&](fake_pool& pool) -> task<> {
    {
      result<fake_pool::lease> db = co_await pool.acquire();
      (*db)->state_is = connection_state::dirty;
    }
    EXPECT_EQ(pool.idle(), 0u);
    result<fake_pool::lease> db = co_await pool.acquire();
    EXPECT_EQ((*db)->number(), 1);
    EXPECT_EQ((*db)->state(), connection_state::ready);
    EXPECT_EQ(pool.counters().recovered, 1u);
  });
}

TEST_P(connection_pool_test, what_takes_too_long_to_recover_is_thrown_away) {
  server.recovers = false;
  connection_pool_options options = quick(1);
  options.recover_max = 2ms;
  with_pool(options, [&](fake_pool& pool) -> task<> {
    {
      result<fake_pool::lease> db = co_await pool.acquire();
      (*db)->state_is = connection_state::dirty;
    }
    result<fake_pool::lease> db = co_await pool.acquire();
    EXPECT_EQ((*db)->number(), 2);
  });
}

TEST_P(connection_pool_test, a_server_that_is_down_is_told_to_all_and_found_again) {
  server.is_down = true;
  with_pool(quick(2), [&](fake_pool& pool) -> task<> {
    auto tries = [&]() -> task<> {
      result<fake_pool::lease> db = co_await pool.acquire();
      EXPECT_TRUE(!db && db.error() == std::errc::connection_refused);
    };
    std::vector<task<>> users;
    for (int i = 0; i < 50; ++i) users.push_back(tries());
    co_await when_all(std::move(users));
    EXPECT_LE(pool.counters().failed, 4u); // not an attempt a task
    server.is_down = false;
    result<fake_pool::lease> db = co_await pool.acquire();
    EXPECT_TRUE(db);
  });
}

TEST_P(connection_pool_test, who_can_be_served_by_another_is_not_told_of_a_failed_attempt) {
  with_pool(quick(2), [&](fake_pool& pool) -> task<> {
    std::optional<fake_pool::lease> held;
    held.emplace((co_await pool.acquire()).value());
    server.is_down = true;
    auto waits = [&]() -> task<bool> {
      result<fake_pool::lease> got = co_await pool.acquire();
      co_return got.has_value();
    };
    auto gives_back = [&]() -> task<> {
      co_await until([&] { return pool.counters().failed > 1; });
      held.reset();
    };
    auto [got, done] = co_await when_all(waits(), gives_back());
    EXPECT_TRUE(got);
    server.is_down = false;
  });
}

TEST_P(connection_pool_test, keeps_idle_min_and_drops_what_idles_too_long) {
  connection_pool_options options = quick(4);
  options.idle_min = 2;
  options.idle_max = 2ms;
  with_pool(options, [&](fake_pool& pool) -> task<> {
    pool.warm_up();
    co_await until([&] { return pool.idle() == 2; });
    {
      std::deque<fake_pool::lease> all;
      for (int i = 0; i < 4; ++i) all.push_back((co_await pool.acquire()).value());
    }
    EXPECT_GE(pool.idle(), 3u);
    co_await until([&] { return pool.idle() == 2; });
  });
}

TEST_P(connection_pool_test, close_ends_waits_and_attempts_and_waits_for_what_is_out) {
  run([&]() -> task<> {
    event never(event_reset::manual);
    fake_pool pool(quick(2), connects());
    std::optional<fake_pool::lease> held;
    held.emplace((co_await pool.acquire()).value());
    server.gate = &never;
    auto waits = [&]() -> task<> {
      result<fake_pool::lease> got = co_await pool.acquire();
      EXPECT_TRUE(!got && got.error() == errc::closed);
      co_await turns(2);
      EXPECT_EQ(server.open, 1);
      held.reset();
    };
    auto close = [&]() -> task<result<>> { co_return co_await pool.close(); };
    auto [waited, closed] = co_await when_all(waits(), close());
    EXPECT_TRUE(closed);
    EXPECT_EQ(server.open, 0);
    result<fake_pool::lease> late = co_await pool.acquire();
    EXPECT_TRUE(!late && late.error() == errc::closed);
  });
}

INSTANTIATE_TEST_SUITE_P(backends, connection_pool_test, on_each_backend(), name_of_backend);

} // namespace
} // namespace weir::test
