// branch: one of several tasks that run side by side below one coroutine; join: the place where they meet
// again. What when_all, when_any and run are made of.
//
// Branches start one after the other when the join is awaited, each at once up to the first thing that it
// waits for; the coroutine goes on when the last has ended, from within that one. Thread rule: the loop's
// thread. Lifetime: tasks, branches and join live in the frame of the coroutine that awaits the join.
#pragma once

#include <weir/async/frame_pool.hpp>
#include <weir/async/scope.hpp>
#include <weir/async/task.hpp>

#include <cassert>
#include <coroutine>
#include <cstddef>
#include <exception>
#include <optional>
#include <span>
#include <utility>
#include <vector>

namespace weir {

class join;

/// A coroutine that awaits the end of one task; the outcome stays in the task.
class [[nodiscard]] branch {
 public:
  class promise_type;

  branch(branch&& other) noexcept : frame_(std::exchange(other.frame_, nullptr)) {}
  branch& operator=(branch&&) = delete;
  ~branch() {
    if (frame_) frame_.destroy();
  }

  /// `below` may be null: then nobody is told of its end.
  void start(cancellation* scope, join* below) noexcept;
  bool has_ended() const noexcept { return frame_.done(); }

 private:
  using handle = std::coroutine_handle<promise_type>;
  explicit branch(handle frame) noexcept : frame_(frame) {}
  handle frame_;
};

/// When the first outcome makes a join cancel the other branches.
enum class join_rule : bool {
  cancel_at_exception,
  cancel_at_first_end,
};

class join {
 public:
  join(join_rule rule, cancellation* parent) noexcept : scope_(parent), rule_(rule) {}

  /// `co_await below.run(branches)`: once.
  class run_awaiter;
  run_awaiter run(std::span<branch> branches) noexcept;

  /// After the run: which ended first, and the first exception.
  std::size_t first() const noexcept { return *first_; }
  void rethrow_failure() const {
    if (failure_) std::rethrow_exception(failure_);
  }

  /// Told by the branch numbered `index`.
  void ended(std::size_t index, const std::exception_ptr& failure) noexcept {
    if (!first_) first_ = index;
    if (failure && !failure_) failure_ = failure;
    if (failure || rule_ == join_rule::cancel_at_first_end) scope_.request();
  }

 private:
  friend class branch::promise_type;
  std::coroutine_handle<> leave() noexcept { return --running_ == 0 ? awaiting_ : std::noop_coroutine(); }

  cancellation scope_;
  std::coroutine_handle<> awaiting_;
  std::exception_ptr failure_;
  std::optional<std::size_t> first_;
  std::size_t running_ = 0;
  join_rule rule_;
};

class branch::promise_type : public pooled_frame {
 public:
  struct final_awaiter {
    bool await_ready() const noexcept { return false; }
    std::coroutine_handle<> await_suspend(handle ended) const noexcept {
      join* below = ended.promise().below_;
      return below ? below->leave() : std::noop_coroutine();
    }
    void await_resume() const noexcept {}
  };

  branch get_return_object() noexcept { return branch(handle::from_promise(*this)); }
  std::suspend_always initial_suspend() const noexcept { return {}; }
  final_awaiter final_suspend() const noexcept { return {}; }
  void return_void() const noexcept {}
  void unhandled_exception() const noexcept { std::terminate(); } // tasks keep their exceptions
  cancellation* scope() const noexcept { return scope_; }

 private:
  friend class branch;
  cancellation* scope_ = nullptr;
  join* below_ = nullptr;
};

inline void branch::start(cancellation* scope, join* below) noexcept {
  frame_.promise().scope_ = scope;
  frame_.promise().below_ = below;
  frame_.resume();
}

class [[nodiscard]] join::run_awaiter {
 public:
  run_awaiter(join& below, std::span<branch> branches) noexcept : join_(below), branches_(branches) {}

  bool await_ready() const noexcept { return branches_.empty(); }
  bool await_suspend(std::coroutine_handle<> awaiting) noexcept {
    join_.awaiting_ = awaiting;
    join_.running_ = branches_.size() + 1; // one for ourselves: none that ends meanwhile is the last
    for (branch& each : branches_) each.start(&join_.scope_, &join_);
    return --join_.running_ != 0;
  }
  void await_resume() const noexcept {}

 private:
  join& join_;
  std::span<branch> branches_;
};

inline join::run_awaiter join::run(std::span<branch> branches) noexcept {
  return run_awaiter(*this, branches);
}

/// The branch numbered `index` of `below`, running `which`.
template <class T>
branch make_branch(task<T>& which, join& below, std::size_t index) {
  co_await which.end();
  below.ended(index, which.failure());
}

template <class T>
std::vector<branch> make_branches(std::vector<task<T>>& tasks, join& below) {
  std::vector<branch> branches;
  branches.reserve(tasks.size());
  for (task<T>& each : tasks) branches.push_back(make_branch(each, below, branches.size()));
  return branches;
}

} // namespace weir
