// Tasks share the connections of a pool (adapters/connection_pool.hpp) to a small database that answers late,
// hangs, drops connections, goes away and comes back; some give up waiting for a connection, some for an
// answer. Pools are closed in the midst of it. Rules:
//   1. Connections that are open or being made are never more than `connections_max`.
//   2. A connection is lent to one task at a time, ready, and not while it is recovered.
//   3. An answer belongs to its question, also on a connection whose last question was given up.
//   4. Who waits gets a connection, or hears of an error, in the order in which they came.
//   5. A pool that is closed waits for what is out, keeps nothing open, and lends nothing more.
//   6. Once faults have stopped, and each stale connection has been found out, every question is answered.
#include "scenarios.hpp"
#include "toy_database.hpp"

#include <weir/adapters/connection_pool.hpp>
#include <weir/async/shield.hpp>
#include <weir/async/sleep.hpp>
#include <weir/async/when_all.hpp>
#include <weir/async/when_any.hpp>
#include <weir/async/with_deadline.hpp>
#include <weir/async/with_nursery.hpp>
#include <weir/io/loop.hpp>
#include <weir/net/listener.hpp>
#include <weir/sim/hosts_run.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <span>
#include <utility>
#include <vector>

namespace weir::scenarios {
namespace {

using std::chrono::milliseconds;
using std::chrono::nanoseconds;
using std::chrono::seconds;

using toy_pool = connection_pool<toy_connection>;

class connection_pools_run final : public sim::hosts_run {
 public:
  explicit connection_pools_run(sim::world& in) : hosts_run(in) {
    sim::host& server = add_host("database");
    if (draw().chance(500'000)) fate().may_crash(server);
    server.start([this](sim::host&) { return serve(); });
    add_host("client").start([this](sim::host&) { return use_pools(); });
  }

 private:
  static constexpr std::uint16_t port = 5432;
  static constexpr int pools = 3;
  static constexpr int users = 7;
  static constexpr int questions_each = 10;
  static constexpr std::uint64_t woken_together_ns = 1'000'000;
  static constexpr auto patience = seconds(100); ///< more than all that can come before one

  static address server_address() { return *address::ip("10.0.0.1", port); }

  // --- the database ---

  task<> serve() {
    bool goes_on = true;
    while (goes_on && !has_client_ended_) {
      auto outcome = co_await when_any(serve_for_a_while(), until_it_goes_away());
      goes_on = std::get<1>(outcome.values).has_value();
      result<> away;
      if (goes_on && !is_calm()) away = co_await sleep_for(nanoseconds(draw().below(3'000'000'000)));
      goes_on = goes_on && away;
    }
  }

  task<result<>> until_it_goes_away() {
    result<> slept = co_await sleep_for(nanoseconds(draw().below(6'000'000'000)));
    while (slept && is_calm() && !has_client_ended_) slept = co_await sleep_for(milliseconds(500));
    co_return slept;
  }

  task<> serve_for_a_while() {
    auto body = [this](nursery& children) { return accept_all(children); };
    [[maybe_unused]] result<> served =
        co_await with_nursery(nursery_options(64, nursery_policy::isolate), body);
  }

  task<> accept_all(nursery& children) {
    listener door;
    result<> slept;
    while (slept && !door) { // descriptors may be short
      result<listener> bound = listener::bind(server_address());
      if (bound)
        door = std::move(*bound);
      else
        slept = co_await sleep_for(milliseconds(100));
    }
    while (slept) {
      result<stream> client = co_await door.accept();
      if (client)
        slept = co_await children.spawn(answer_all(std::move(*client)));
      else if (client.error().is_cancelled())
        co_return;
      else
        slept = co_await sleep_for(milliseconds(20));
    }
  }

  task<> answer_all(stream client) {
    transfer done = co_await client.write_all(std::span(&toy_greeting, 1));
    result<> goes_on;
    while (done && goes_on) {
      toy_answer answer;
      done = co_await client.read_exactly(std::as_writable_bytes(std::span(&answer.number, 1)));
      if (!done) break;
      goes_on = co_await take_its_time();
      if (!goes_on) break;
      answer.value = toy_answer::value_of(answer.number);
      done = co_await client.write_all(std::as_bytes(std::span(&answer, 1)));
    }
  }

  /// It may take so long that nobody waits any more, or have had enough of this client.
  task<result<>> take_its_time() {
    if (is_calm()) co_return result<>();
    const std::uint64_t mood = draw().below(100);
    result<> waited;
    if (mood < 30) waited = co_await sleep_for(nanoseconds(draw().below(100'000'000)));
    if (mood >= 30 && mood < 35) waited = co_await sleep_for(seconds(10));
    if (mood >= 35 && mood < 40) waited = fail(std::errc::connection_aborted, "enough");
    co_return waited;
  }

  // --- the pools ---

  connection_pool_options drawn_options() {
    connection_pool_options options(draw().between(1, 4));
    if (draw().chance(300'000)) options.waiting_max = 3;
    options.idle_min = draw().below(3);
    options.idle_max = nanoseconds(draw().between(1, 2'000'000'000));
    options.connect_max = seconds(2);
    options.recover_max = milliseconds(500);
    return options;
  }

  toy_pool::connector connects() {
    return [this] { return toy_connection::connect(server_address(), census_); };
  }

  task<> use_pools() {
    for (int i = 0; i < pools; ++i) co_await use_pool();
    co_await use_pool_into_calm();
    has_client_ended_ = true;
  }

  task<> use_pool() {
    toy_pool pool(drawn_options(), connects());
    pool.warm_up();
    std::vector<task<>> all;
    for (int i = 0; i < users; ++i) all.push_back(use(pool));
    all.push_back(close_later(pool));
    all.push_back(watch(pool));
    co_await when_all(std::move(all));
    [[maybe_unused]] result<> closed = co_await shield(pool.close()); // who is cancelled has not
    check_closed(pool);
  }

  task<> close_later(toy_pool& pool) {
    result<> slept = co_await sleep_for(nanoseconds(draw().between(500'000'000, 6'000'000'000)));
    if (!slept) co_return;
    result<> closed = co_await with_deadline(patience, pool.close());
    demand(closed.has_value() || !closed.error().is_timeout(), "5: a pool does not end");
    if (closed) check_closed(pool);
    result<toy_pool::lease> one_more = co_await pool.acquire();
    demand(!one_more, "5: a pool that is closed lends a connection");
  }

  void check_closed(const toy_pool& pool) {
    demand(pool.size() == 0 && pool.idle() == 0 && census_.open == 0,
           "5: a pool that is closed keeps some open");
    demand(lent_ == 0, "5: a pool is closed while connections are out");
  }

  /// What nobody asks for is made as well.
  task<> watch(toy_pool& pool) {
    result<> slept;
    while (slept && !tickets_are_done(pool)) {
      check_bound(pool);
      slept = co_await sleep_for(milliseconds(5));
    }
  }
  bool tickets_are_done(const toy_pool& pool) const { return pool.size() == 0 && users_ == 0; }

  void check_bound(const toy_pool& pool) {
    demand(census_.open + census_.being_made <= pool.options().connections_max,
           "1: more connections than the pool may have");
  }

  // --- who uses them ---

  task<> use(toy_pool& pool) {
    ++users_;
    bool goes_on = true;
    for (int i = 0; goes_on && i < questions_each; ++i) {
      const std::uint64_t pause_max_ns = draw().chance(200'000) ? 1'000'000'000 : 5'000'000;
      const result<> slept = co_await sleep_for(nanoseconds(draw().below(pause_max_ns)));
      if (slept) goes_on = co_await ask_once(pool);
      goes_on = goes_on && slept;
    }
    --users_;
  }

  /// False: the pool is closed.
  task<bool> ask_once(toy_pool& pool) {
    const bool is_hasty = draw().chance(300'000);
    const nanoseconds limit = is_hasty ? nanoseconds(draw().below(200'000'000)) : nanoseconds(patience);
    const std::uint64_t ticket = ++tickets_;
    const std::uint64_t until_ns = deadline(patience).resolve_ns(loop::current()->now_ns());
    result<toy_pool::lease> db = co_await with_deadline(limit, acquire(pool));
    if (!db) {
      demand(is_hasty || loop::current()->now_ns() < until_ns, "4: somebody waits, and hears nothing");
      co_return !db.error().is_cancelled() && db.error() != errc::closed;
    }
    check_lending(pool, **db, ticket);
    co_await ask(**db);
    (*db)->is_lent = false;
    --lent_;
    if (draw().chance(50'000)) db->discard();
    co_return true;
  }
  static task<result<toy_pool::lease>> acquire(toy_pool& pool) { co_return co_await pool.acquire(); }

  void check_lending(const toy_pool& pool, toy_connection& lent, std::uint64_t ticket) {
    demand(!std::exchange(lent.is_lent, true), "2: a connection is lent to two at once");
    demand(!lent.is_recovering, "2: a connection is lent while it is recovered");
    demand(lent.state() == connection_state::ready, "2: a connection is lent that is not ready");
    ++lent_;
    check_bound(pool);
    check_order(ticket);
    note(ticket, census_.open, pool.waiting());
  }

  /// Those who were woken in one turn may go on in any order, in that turn or in the next ones where its
  /// phases end early: who came before has to be served then as well.
  void check_order(std::uint64_t ticket) {
    const std::uint64_t now_ns = loop::current()->now_ns();
    demand(ticket > overtaker_ || now_ns - overtaken_at_ns_ <= woken_together_ns,
           "4: somebody was served behind one who came later");
    if (ticket < overtaker_) return;
    overtaker_ = ticket;
    overtaken_at_ns_ = now_ns;
  }

  task<> ask(toy_connection& db) {
    const std::uint32_t number = ++questions_;
    const bool is_hasty = draw().chance(200'000);
    const nanoseconds limit = is_hasty ? nanoseconds(draw().below(10'000'000)) : nanoseconds(seconds(2));
    result<toy_answer> answer = co_await with_deadline(limit, db.ask(number));
    if (answer) check_answer(*answer, number);
    if (draw().chance(100'000)) {
      [[maybe_unused]] result<> slept = co_await sleep_for(nanoseconds(draw().below(50'000'000)));
    }
  }

  void check_answer(const toy_answer& answer, std::uint32_t number) {
    demand(answer.number == number && answer.value == toy_answer::value_of(number),
           "3: an answer belongs to another question");
    note(number, answer.value);
  }

  /// What it has when faults stop may be stale: each is found out once.
  task<> use_pool_into_calm() {
    toy_pool pool(drawn_options(), connects());
    bool goes_on = true;
    while (goes_on && !is_calm()) {
      goes_on = co_await ask_once(pool);
      const result<> slept = co_await sleep_for(milliseconds(200));
      goes_on = goes_on && slept;
    }
    if (goes_on)
      goes_on = (co_await sleep_for(seconds(20))).has_value(); // the server is back, in another mood
    std::size_t stale_max = pool.size();
    for (int i = 0; goes_on && i < questions_each; ++i) {
      const bool is_answered = co_await ask_in_calm(pool);
      demand(is_answered || stale_max > 0, "6: nothing goes wrong any more, and a question is not answered");
      if (!is_answered && stale_max > 0) --stale_max;
    }
    [[maybe_unused]] result<> closed = co_await shield(pool.close());
    check_closed(pool);
  }

  task<bool> ask_in_calm(toy_pool& pool) {
    const nanoseconds limit = pool.options().backoff_max + pool.options().connect_max;
    result<toy_pool::lease> db = co_await with_deadline(limit, acquire(pool));
    demand(db.has_value() || db.error().is_cancelled(),
           "6: nothing goes wrong any more, and there is no connection");
    if (!db) co_return false;
    const std::uint32_t number = ++questions_;
    const result<toy_answer> answer = co_await with_deadline(seconds(2), (*db)->ask(number));
    if (answer) check_answer(*answer, number);
    if (!answer) db->discard(); // who hears nothing does not wait for it in another question
    co_return answer.has_value();
  }

  toy_census census_;
  std::size_t users_ = 0;
  std::size_t lent_ = 0;
  std::uint64_t tickets_ = 0;
  std::uint64_t overtaker_ = 0; ///< the latest ticket that was served, and when
  std::uint64_t overtaken_at_ns_ = 0;
  std::uint32_t questions_ = 0;
  bool has_client_ended_ = false;
};

} // namespace

constinit const sim::scenario connection_pools{
    "connection_pools", "a pool keeps its bounds and its order, and answers belong to their questions",
    sim::begin_run<connection_pools_run>};

} // namespace weir::scenarios
