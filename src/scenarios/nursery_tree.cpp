// Trees of nurseries, whose leaves wait, fail, throw and are cancelled at random.
//
// A node opens a nursery with a random bound and policy, spawns nodes and leaves into it, and cancels it now
// and then. A leaf opens something, waits for something, and closes what it opened in a shield. From outside
// the whole tree is cancelled at a random time, or never. Rules:
//   1. A nursery that was joined has no child that runs still; it never had more at once than its bound.
//   2. Whatever was opened is closed when its leaf ends, be that by a value, an error, an exception or a
//   cancellation.
//   3. The failure of a child reaches the join of a nursery that propagates, and cancels its siblings; in one
//   that
//      isolates it reaches nobody.
//   4. A tree that was cancelled ends within the time that its clean-up takes, however long its leaves would
//   wait.
#include "scenarios.hpp"

#include <weir/async/event.hpp>
#include <weir/async/shield.hpp>
#include <weir/async/sleep.hpp>
#include <weir/async/when_all.hpp>
#include <weir/async/when_any.hpp>
#include <weir/async/with_deadline.hpp>
#include <weir/async/with_nursery.hpp>
#include <weir/async/yield.hpp>
#include <weir/io/loop.hpp>
#include <weir/sim/hosts_run.hpp>

#include <chrono>
#include <cstddef>
#include <exception>
#include <stdexcept>
#include <tuple>

namespace weir::scenarios {
namespace {

using std::chrono::milliseconds;
using std::chrono::nanoseconds;

struct planned_exception : std::runtime_error {
  planned_exception() : std::runtime_error("planned") {}
};

class nursery_tree_run final : public sim::hosts_run {
 public:
  explicit nursery_tree_run(sim::world& in) : hosts_run(in), host_(add_host("tree")) {
    host_.start([this](sim::host&) { return main(); });
  }

  void check_end() override {
    demand(opened_ == closed_, "2: something that a leaf opened is open still");
    demand(running_ == 0, "1: a task runs still");
  }

 private:
  static constexpr unsigned depth_max = 4;
  static constexpr auto clean_up_most = milliseconds(12);

  task<> main() {
    for (int i = 0; i < 10; ++i) {
      cancellation scope;
      const bool is_cancelled = draw().chance(600'000);
      const auto after = nanoseconds(draw().below(3'000'000'000));
      auto [is_well, is_cut] = co_await when_all(grow(scope), cut_down(scope, is_cancelled, after));
      demand(running_ == 0, "1: the tree has ended, and a task runs still");
      demand(opened_ == closed_, "2: the tree has ended, and something is open still");
      note(static_cast<std::uint64_t>(i), opened_, (is_well ? 1u : 0u) + (is_cut ? 2u : 0u));
    }
  }

  /// Keeps the time that the tree takes to end once it was asked to.
  task<bool> grow(cancellation& scope) {
    ended_.reset();
    bool is_well = true;
    try {
      result<> grown = co_await node(0).under(&scope);
      is_well = grown.has_value();
    } catch (const planned_exception&) {
      is_well = false;
    }
    ended_.set();
    co_return is_well;
  }

  task<bool> cut_down(cancellation& scope, bool is_cancelled, nanoseconds after) {
    result<> ended = co_await with_deadline(after, ended_.wait_task());
    if (ended || !is_cancelled) co_return false;
    const std::uint64_t asked_ns = loop::current()->now_ns(), stalled_ns = host_.stalled_ns();
    scope.request();
    ended = co_await ended_.wait_task();
    const auto took = nanoseconds(loop::current()->now_ns() - asked_ns);
    const auto stalled = nanoseconds((host_.stalled_ns() - stalled_ns) * 1001 / 1000); // as its clock drifts
    demand(took <= clean_up_most + stalled, "4: a cancelled tree took longer than its clean-up");
    co_return true;
  }

  struct in_node {
    explicit in_node(std::size_t& of) noexcept : count(of) { ++count; }
    ~in_node() { --count; }
    std::size_t& count;
  };

  task<result<>> node(unsigned depth) {
    const in_node here(running_);
    const std::size_t limit = draw().between(1, 5);
    nursery_options options(limit,
                            draw().chance(500'000) ? nursery_policy::propagate : nursery_policy::isolate);
    options.on_failure = [](const failure&) {}; // planned, all of them
    const bool propagates = options.policy == nursery_policy::propagate;
    children_of of(*this, depth, limit);
    bool has_thrown = false;
    result<> outcome;
    auto body = [&of](nursery& children) -> task<result<>> { return of.run->fill(children, of); };
    try {
      outcome = co_await with_nursery(options, body);
    } catch (const planned_exception&) {
      has_thrown = true;
    }
    demand(of.running == 0, "1: a nursery was joined, and a child runs still");
    const bool is_well = outcome.has_value() && !has_thrown;
    if (propagates) demand(!of.has_failed || !is_well, "3: a failure did not reach the join");
    if (!propagates) demand(!has_thrown, "3: an exception came out of a nursery that isolates");
    if (has_thrown) throw planned_exception();
    co_return outcome;
  }

  struct children_of {
    children_of(nursery_tree_run& in, unsigned at, std::size_t most) noexcept
        : run(&in), depth(at), limit(most) {}
    nursery_tree_run* run;
    unsigned depth;
    std::size_t limit;
    std::size_t running = 0;
    bool has_failed = false;
  };

  /// Two at once, who wait for room beside each other.
  task<result<>> fill(nursery& children, children_of& of) {
    auto [spawned, too] = co_await when_all(spawn_some(children, of), spawn_some(children, of));
    if (spawned && too && draw().chance(200'000)) children.cancel();
    co_return spawned ? too : spawned;
  }

  task<result<>> spawn_some(nursery& children, children_of& of) {
    const std::uint64_t wanted = draw().below(4);
    result<> spawned;
    for (std::uint64_t i = 0; i < wanted && spawned; ++i)
      spawned = co_await children.spawn(child(children, of));
    co_return spawned;
  }

  task<result<>> child(nursery& in, children_of& of) {
    const in_node here(of.running);
    demand(of.running <= of.limit, "1: a nursery runs more children than its bound");
    result<> outcome;
    try {
      if (of.depth < depth_max && draw().chance(350'000))
        outcome = co_await node(of.depth + 1);
      else
        outcome = co_await leaf();
    } catch (const planned_exception&) {
      of.has_failed = true;
      throw;
    }
    const bool is_cancellation = !outcome && outcome.error().is_cancelled() && in.scope().is_requested();
    if (!outcome && !is_cancellation) of.has_failed = true;
    co_return outcome;
  }

  task<result<>> leaf() {
    const in_node here(running_);
    ++opened_;
    result<> outcome;
    std::exception_ptr thrown;
    try {
      outcome = co_await use();
    } catch (...) {
      thrown = std::current_exception();
    }
    co_await shield(close());
    if (thrown) std::rethrow_exception(thrown);
    co_return outcome;
  }

  task<> close() {
    const auto takes = nanoseconds(draw().below(10'000'000));
    result<> slept = co_await sleep_for(takes);
    demand(slept.has_value(), "2: a shield let a cancellation through");
    ++closed_;
  }

  task<result<>> use() {
    const auto duration = nanoseconds(draw().below(std::uint64_t{1'000'000} << draw().below(12)));
    const std::uint64_t way = draw().below(6);
    result<> outcome;
    if (way == 0) {
      outcome = co_await yield();
    } else if (way == 1) {
      outcome = co_await with_deadline(duration, never_.wait_task());
      if (!outcome && outcome.error().is_timeout()) outcome = result<>();
    } else if (way == 2) {
      auto raced = co_await when_any(sleeps(duration), sleeps(duration / 2), never_.wait_task());
      outcome = std::get<1>(raced.values);
    } else {
      outcome = co_await sleep_for(duration);
    }
    if (draw().chance(50'000)) throw planned_exception();
    if (outcome && draw().chance(50'000)) outcome = fail(std::errc::io_error, "planned");
    co_return outcome;
  }

  task<result<>> sleeps(nanoseconds duration) { co_return co_await sleep_for(duration); }

  /// An event that tasks wait for.
  struct told_event : event {
    told_event() noexcept : event(event_reset::manual) {}
    task<result<>> wait_task() { co_return co_await wait(); }
  };

  sim::host& host_;
  told_event ended_;
  told_event never_;
  std::size_t running_ = 0;
  std::uint64_t opened_ = 0;
  std::uint64_t closed_ = 0;
};

} // namespace

constinit const sim::scenario nursery_tree{
    "nursery_tree", "trees of tasks end as their owners say, and close what they opened",
    sim::begin_run<nursery_tree_run>};

} // namespace weir::scenarios
