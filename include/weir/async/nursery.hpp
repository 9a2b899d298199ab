// nursery: an owner for tasks that run on their own. Whoever opens one waits until every child has ended: no
// task outlives its nursery, no failure is lost.
//
// Children start in the order in which they were spawned, in the deferred phase (phase 4 of docs/loop.md): no
// child runs inside `spawn`, so spawning from within a child needs no stack. All run in the scope of the
// nursery. Bound: at most `limit` children at once; `spawn` waits when it is full, first come, first served.
// Failures (policy): propagate: the first failure, an exception or an error, cancels the siblings, and `join`
// delivers it. isolate: a failing child ends alone. Either way `on_failure` is told of each failure that
// `join` does not deliver. A child that ends with a cancellation in a cancelled nursery did not fail. Thread
// rule: the loop's thread. Lifetime: must have no children when it dies (asserted): use with_nursery, which
// joins on every path, or join it yourself. While it has children its loop lists it, with where it was made
// and what they wait for (runtime/dump.hpp).
#pragma once

#include <weir/async/failure.hpp>
#include <weir/async/frame_pool.hpp>
#include <weir/async/task.hpp>
#include <weir/async/waiter.hpp>
#include <weir/base/result.hpp>
#include <weir/io/task_owner.hpp>

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <source_location>

namespace weir {

enum class nursery_policy : std::uint8_t { propagate, isolate };

struct nursery_options {
  explicit nursery_options(std::size_t children_max = 1024,
                           nursery_policy at_failure = nursery_policy::propagate) noexcept
      : limit(children_max), policy(at_failure) {}

  std::size_t limit;
  nursery_policy policy;
  /// Must not throw. Without it exceptions are told on stderr: they are faults of the program.
  std::function<void(const failure&)> on_failure;
};

class nursery : private task_owner {
 public:
  /// Cancelled with `parent`; without one only by `cancel`, a failure, or a cancellation that reaches `join`.
  explicit nursery(nursery_options options = nursery_options(), cancellation* parent = nullptr,
                   std::source_location where = std::source_location::current());
  ~nursery();
  nursery(const nursery&) = delete;
  nursery& operator=(const nursery&) = delete;

  class spawn_awaiter;
  class join_awaiter;

  /// `result<> spawned = co_await children.spawn(serve(std::move(stream)));` Waits while the nursery is full.
  /// In a cancelled nursery or scope the outcome is std::errc::operation_canceled and the task is destroyed
  /// unstarted.
  spawn_awaiter spawn(task<void> child, std::source_location where = std::source_location::current());
  spawn_awaiter spawn(task<result<>> child, std::source_location where = std::source_location::current());

  /// False, and the task is the caller's still, when the nursery is full or cancelled.
  [[nodiscard]] bool try_spawn(task<void>&& child,
                               std::source_location where = std::source_location::current());
  [[nodiscard]] bool try_spawn(task<result<>>&& child,
                               std::source_location where = std::source_location::current());

  /// `result<> outcome = co_await children.join();` Waits for every child, those spawned meanwhile included,
  /// and delivers the first failure: returns the error or throws the exception. A cancellation of the joining
  /// scope cancels the children and then waits for them still. One join at a time.
  join_awaiter join() noexcept;

  /// Asks all children to end; nothing can be spawned any more.
  void cancel() noexcept { scope_.request(); }

  /// The failure of what is no child but ends the children, such as the body of with_nursery.
  void fail_with(failure why);

  cancellation& scope() noexcept { return scope_; }
  std::size_t size() const noexcept { return running_; }
  std::size_t limit() const noexcept { return options_.limit; }
  /// Children that failed so far.
  std::size_t failures() const noexcept { return failures_; }

 private:
  class child;
  template <class T>
  static child run_child(nursery& in, task<T> body, std::source_location where);
  template <class T>
  bool try_spawn_any(task<T>&& body, const std::source_location& where);

  bool is_full() const noexcept { return running_ >= options_.limit; }
  bool refuses() const noexcept { return is_joined_ || scope_.is_requested(); }
  void launch(child&& unstarted) noexcept;
  void child_failed(failure why);
  void child_ended() noexcept;
  void deliver_or_report(failure why);
  void report(const failure& why) const;
  owned_tasks report_owned() const;

  nursery_options options_;
  cancellation scope_;
  intrusive_list<spawn_awaiter, waiter> waiting_;
  join_awaiter* joining_ = nullptr;
  std::optional<failure> first_failure_;
  std::source_location where_;
  std::size_t running_ = 0;
  std::size_t failures_ = 0;
  bool is_joined_ = false; ///< the last child has ended and the join is about to tell

  /// Sends away those who wait for room when the scope ends.
  struct refusal : cancel_callback {
    explicit refusal(nursery& of) noexcept;
    nursery& owner;
  } refusal_{*this};
};

/// A child before it runs: owns its frame until it is launched; from then on the frame owns itself.
class nursery::child {
 public:
  class promise_type;

  child(child&& other) noexcept : frame_(std::exchange(other.frame_, nullptr)) {}
  child& operator=(child&&) = delete;
  ~child() {
    if (frame_) frame_.destroy();
  }

 private:
  friend class nursery;
  using handle = std::coroutine_handle<promise_type>;
  explicit child(handle frame) noexcept : frame_(frame) {}
  handle frame_;
};

class [[nodiscard]] nursery::spawn_awaiter : public waiter {
 public:
  spawn_awaiter(nursery& in, child&& unstarted) noexcept
      : waiter("spawn"), nursery_(in), child_(std::move(unstarted)) {}

  template <class Promise>
  bool await_suspend(std::coroutine_handle<Promise> awaiting) noexcept {
    return enter(awaiting) && !is_settled();
  }
  result<> await_resume() noexcept { return outcome(); }

 private:
  friend class nursery;
  /// Launches or refuses when that can be told now; else it waits.
  bool is_settled() noexcept;

  nursery& nursery_;
  child child_;
};

class [[nodiscard]] nursery::join_awaiter : public waiter {
 public:
  explicit join_awaiter(nursery& of) noexcept;

  template <class Promise>
  bool await_suspend(std::coroutine_handle<Promise> awaiting) noexcept {
    enter_regardless(awaiting);
    return !is_settled(scope_of(awaiting));
  }
  result<> await_resume();

 private:
  bool is_settled(cancellation* scope) noexcept;

  nursery& nursery_;
  struct forward : weir::cancel_callback {
    explicit forward(nursery& to) noexcept;
    nursery& target;
  } forward_;
};

} // namespace weir
