// connection_pool<Connection>: a bounded number of connections to one server, lent to one task at a time:
//
//   connection_pool<postgres_connection> pool(connection_pool_options(20), connect);
//   result<connection_pool<postgres_connection>::lease> db = co_await pool.acquire();
//   … co_await (*db)->query("select 1") … co_await pool.close();
//
// A lease gives its connection back when it dies. What comes back is looked at (`Connection::state`): ready,
// it goes to who has waited longest, or idles; dirty (a transaction is open, an answer was not taken), it is
// recovered in the background for at most `recover_max`, or thrown away; broken, it is replaced. It is looked
// at again before it is lent, since servers go away while connections idle. Connections are made when
// somebody waits, or to keep `idle_min`; after a failure one at a time, with a backoff that doubles, at
// random, up to `backoff_max`. An attempt that fails while no connection is open ends the waits of all, with
// its error: they are not kept in the dark until their deadlines.
//
// Bound: `connections_max`, those that are being made or recovered included; `waiting_max` in line, then
// errc::limit_reached. First come, first served. Cancel-safe: an acquire that was cancelled holds nothing,
// one that was given a connection delivers it; a deadline is with_deadline. Errors: of the attempt;
// errc::closed; errc::limit_reached. Thread rule: the loop's thread. Lifetime: stays where it is, outlives
// its leases, and must be closed before it is destroyed (asserted). An acquire allocates nothing.
#pragma once

#include <weir/adapters/pool_options.hpp>
#include <weir/async/event.hpp>
#include <weir/async/nursery.hpp>
#include <weir/async/sleep.hpp>
#include <weir/async/task.hpp>
#include <weir/async/waiter.hpp>
#include <weir/async/with_deadline.hpp>
#include <weir/base/result.hpp>
#include <weir/base/ring.hpp>
#include <weir/io/loop.hpp>
#include <weir/io/timer.hpp>

#include <cassert>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <new>
#include <optional>
#include <utility>

namespace weir {

/// What a pool asks of its connections. `state` must be quick: it is asked each time.
template <class Connection>
concept poolable = std::move_constructible<Connection> && requires(Connection& each) {
  { each.state() } noexcept -> std::same_as<connection_state>;
  { each.recover() } -> std::same_as<task<result<>>>;
};

template <poolable Connection>
class connection_pool {
 public:
  using connector = std::function<task<result<Connection>>()>;

  explicit connection_pool(const connection_pool_options& options, connector make)
      : options_(options), make_(std::move(make)),
        children_(nursery_options(options.connections_max + 1, nursery_policy::isolate)) {
    assert(options_.connections_max > 0);
  }
  ~connection_pool() { assert(size_ == 0 && making_ == 0 && "a pool was destroyed before it was closed"); }
  connection_pool(const connection_pool&) = delete;
  connection_pool& operator=(const connection_pool&) = delete;

  class lease;
  class acquire_awaiter;

  /// `result<…::lease> db = co_await pool.acquire();` Waits while all connections are out.
  acquire_awaiter acquire() noexcept { return acquire_awaiter(*this); }

  /// Makes connections up to `idle_min` before anybody asks. Call it on the loop.
  void warm_up() noexcept { grow(); }

  /// Nothing is lent any more, idle connections go at once, those that are out when they come back: waits for
  /// them. Cancelled, it stops waiting for those, and has to be called again.
  task<result<>> close() {
    is_closing_ = true;
    children_.cancel();
    fail_waiters(error(errc::closed, "acquire"));
    while (!idle_.empty()) retire(idle_.pop_back());
    idle_timer_.unlink();
    co_await children_.join();
    if (size_ == 0) co_return result<>();
    co_return co_await all_back_.wait();
  }

  std::size_t size() const noexcept { return size_; }        ///< open, whoever has them
  std::size_t idle() const noexcept { return idle_.size(); } ///< open and lent to nobody
  std::size_t waiting() const noexcept { return waiting_count_; }
  const connection_pool_options& options() const noexcept { return options_; }
  const pool_counters& counters() const noexcept { return counters_; }

 private:
  struct slot {
    explicit slot(Connection&& made) : connection(std::move(made)) {}
    Connection connection;
    std::uint64_t idle_since_ns = 0;
  };
  class making;

  slot* take_idle() noexcept;
  void give_back(slot* returned) noexcept;
  void hand_over(slot* usable) noexcept;
  void retire(slot* unwanted) noexcept;
  task<> recover(slot* dirty);

  void grow() noexcept;
  bool wants_another() const noexcept;
  task<> make_one(making counted);
  task<result<slot*>> connect();
  void attempt_failed(error why) noexcept;
  void fail_waiters(const error& why) noexcept;

  void drop_stale() noexcept;

  connection_pool_options options_;
  connector make_;
  nursery children_;                                ///< what makes and recovers connections
  ring<slot*> idle_;                                ///< the one used last is at the back, and is lent first
  intrusive_list<acquire_awaiter, waiter> waiting_; ///< only while none is idle
  std::size_t waiting_count_ = 0;
  std::size_t size_ = 0;
  std::size_t making_ = 0;
  pool_backoff backoff_;
  event all_back_{event_reset::manual};
  pool_counters counters_;
  bool is_closing_ = false;

  struct stale_timer : timer {
    explicit stale_timer(connection_pool& pool) noexcept
        : timer([](timer& self) noexcept { static_cast<stale_timer&>(self).of.drop_stale(); }), of(pool) {}
    connection_pool& of;
  } idle_timer_{*this};
};

/// The right to use a connection. Empty when moved from, released or discarded.
template <poolable Connection>
class [[nodiscard]] connection_pool<Connection>::lease {
 public:
  lease(lease&& other) noexcept
      : pool_(std::exchange(other.pool_, nullptr)), slot_(std::exchange(other.slot_, nullptr)) {}
  lease& operator=(lease&& other) noexcept {
    if (this != &other) {
      release();
      pool_ = std::exchange(other.pool_, nullptr);
      slot_ = std::exchange(other.slot_, nullptr);
    }
    return *this;
  }
  ~lease() { release(); }

  explicit operator bool() const noexcept { return slot_ != nullptr; }
  Connection& operator*() const noexcept { return slot_->connection; }
  Connection* operator->() const noexcept { return &slot_->connection; }

  void release() noexcept {
    if (slot* returned = std::exchange(slot_, nullptr)) pool_->give_back(returned);
  }
  /// Gives it back to be closed, whatever its state.
  void discard() noexcept {
    if (slot* unwanted = std::exchange(slot_, nullptr)) pool_->retire(unwanted);
  }

 private:
  friend class connection_pool;
  lease(connection_pool& pool, slot* given) noexcept : pool_(&pool), slot_(given) {}

  connection_pool* pool_;
  slot* slot_;
};

template <poolable Connection>
class [[nodiscard]] connection_pool<Connection>::acquire_awaiter : public waiter {
 public:
  explicit acquire_awaiter(connection_pool& of) noexcept : waiter("acquire"), pool_(of) {}
  ~acquire_awaiter() {
    if (slot_) pool_.give_back(slot_);
  }

  template <class Promise>
  bool await_suspend(std::coroutine_handle<Promise> awaiting) noexcept {
    if (!this->enter(awaiting) || is_settled()) return false;
    pool_.waiting_.push_back(*this);
    ++pool_.waiting_count_;
    has_waited_ = true;
    this->wait();
    pool_.grow();
    return true;
  }
  result<lease> await_resume() noexcept {
    if (has_waited_) --pool_.waiting_count_;
    if (this->has_failed()) return this->take_failure();
    return lease(pool_, std::exchange(slot_, nullptr));
  }

 private:
  friend class connection_pool;

  bool is_settled() noexcept {
    if (pool_.is_closing_) {
      this->fail_with(error(errc::closed, "acquire"));
    } else if (slot_ = pool_.take_idle(); !slot_ && pool_.waiting_count_ >= pool_.options_.waiting_max) {
      this->fail_with(error(errc::limit_reached, "acquire: waiting_max"));
    } else {
      return slot_ != nullptr;
    }
    return true;
  }

  connection_pool& pool_;
  slot* slot_ = nullptr;
  bool has_waited_ = false;
};

/// Counts a connection that is being made, also one whose making never starts.
template <poolable Connection>
class connection_pool<Connection>::making {
 public:
  explicit making(connection_pool& pool) noexcept : of_(&pool) { ++of_->making_; }
  making(making&& other) noexcept : of_(std::exchange(other.of_, nullptr)) {}
  making& operator=(making&&) = delete;
  ~making() { end(); }

  void end() noexcept {
    if (connection_pool* of = std::exchange(of_, nullptr)) --of->making_;
  }

 private:
  connection_pool* of_;
};

// ---- Lending and taking back ----

template <poolable Connection>
auto connection_pool<Connection>::take_idle() noexcept -> slot* {
  while (!idle_.empty()) {
    slot* newest = idle_.pop_back();
    if (newest->connection.state() == connection_state::ready) return newest;
    retire(newest);
  }
  return nullptr;
}

template <poolable Connection>
void connection_pool<Connection>::give_back(slot* returned) noexcept {
  const connection_state state = returned->connection.state();
  if (is_closing_ || state == connection_state::broken) return retire(returned);
  if (state == connection_state::ready) return hand_over(returned);
  try {
    if (children_.try_spawn(recover(returned))) return;
  } catch (const std::bad_alloc&) {
  }
  retire(returned);
}

template <poolable Connection>
void connection_pool<Connection>::hand_over(slot* usable) noexcept {
  if (is_closing_) return retire(usable);
  if (acquire_awaiter* first = waiting_.front()) {
    first->slot_ = usable;
    return first->wake();
  }
  loop& on = *loop::current();
  usable->idle_since_ns = on.now_ns();
  try {
    idle_.push_back(std::move(usable));
  } catch (const std::bad_alloc&) {
    return retire(usable);
  }
  if (!idle_timer_.is_armed()) on.arm(idle_timer_, deadline(options_.idle_max).resolve_ns(on.now_ns()));
}

template <poolable Connection>
void connection_pool<Connection>::retire(slot* unwanted) noexcept {
  delete unwanted;
  --size_;
  ++counters_.closed;
  if (is_closing_ && size_ == 0) all_back_.set();
  grow();
}

template <poolable Connection>
task<> connection_pool<Connection>::recover(slot* dirty) {
  result<> recovered = fail(errc::closed, "recover");
  try {
    recovered = co_await with_deadline(options_.recover_max, dirty->connection.recover());
  } catch (...) { // of broken code: the connection goes, the pool stays
  }
  if (!recovered || dirty->connection.state() != connection_state::ready) co_return retire(dirty);
  ++counters_.recovered;
  hand_over(dirty);
}

// ---- Making them ----

template <poolable Connection>
bool connection_pool<Connection>::wants_another() const noexcept {
  if (is_closing_ || size_ + making_ >= options_.connections_max) return false;
  if (backoff_.is_active() && making_ > 0) return false;
  const std::size_t missing = options_.idle_min > idle_.size() ? options_.idle_min - idle_.size() : 0;
  std::size_t in_line = 0; // counted here: waiting_count_ has those too that were woken
  for (auto* each = waiting_.front(); each && in_line + missing <= making_; each = waiting_.next(*each))
    ++in_line;
  return making_ < in_line + missing;
}

template <poolable Connection>
void connection_pool<Connection>::grow() noexcept {
  try {
    while (wants_another()) {
      if (!children_.try_spawn(make_one(making(*this)))) return;
    }
  } catch (const std::bad_alloc&) {
    if (size_ == 0 && making_ == 0) fail_waiters(error(std::errc::not_enough_memory, "connect"));
  }
}

template <poolable Connection>
task<> connection_pool<Connection>::make_one(making counted) {
  if (backoff_.is_active()) {
    result<> waited = co_await sleep_until_ns(backoff_.next_ns());
    if (!waited) co_return; // the pool is closing
  }
  result<slot*> made = fail(std::errc::not_enough_memory, "connect");
  try {
    made = co_await connect();
  } catch (const std::bad_alloc&) { // of its frame: else those who wait would not hear of it
  }
  counted.end();
  if (made) {
    backoff_.succeeded();
    ++size_;
    ++counters_.opened;
    hand_over(*made);
  } else {
    attempt_failed(std::move(made).error());
  }
  grow();
}

template <poolable Connection>
auto connection_pool<Connection>::connect() -> task<result<slot*>> {
  try {
    result<Connection> made = co_await with_deadline(options_.connect_max, make_());
    if (!made) co_return fail(std::move(made).error());
    co_return new slot(std::move(*made));
  } catch (const std::bad_alloc&) {
    co_return fail(std::errc::not_enough_memory, "connect");
  } catch (...) {
    co_return fail(std::errc::state_not_recoverable, "connect threw an exception");
  }
}

template <poolable Connection>
void connection_pool<Connection>::attempt_failed(error why) noexcept {
  loop& on = *loop::current();
  ++counters_.failed;
  backoff_.failed(options_, on.now_ns(), on.random());
  if (size_ == 0) fail_waiters(why); // else one of those that are out comes back
}

template <poolable Connection>
void connection_pool<Connection>::fail_waiters(const error& why) noexcept {
  while (acquire_awaiter* first = waiting_.front()) first->wake_with(why);
}

// ---- Idle too long ----

template <poolable Connection>
void connection_pool<Connection>::drop_stale() noexcept {
  loop& on = *loop::current();
  const auto stale_at_ns = [&] {
    return deadline(options_.idle_max).resolve_ns(idle_.front()->idle_since_ns);
  };
  while (idle_.size() > options_.idle_min && stale_at_ns() <= on.now_ns()) retire(idle_.pop_front());
  if (idle_.size() > options_.idle_min) on.arm(idle_timer_, stale_at_ns());
}

} // namespace weir
