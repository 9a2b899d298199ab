// loop_group: N loops on N threads, a loop a core.
//
//   auto group = loop_group::start(loop_group_options(4));
//   result<> outcome = (*group)->run([](unsigned index) -> task<result<>> { … }); // on each loop
//   result<int> answer = co_await (*group)->run_on(2, ask);                       // from any loop
//
// Each loop keeps to itself: what belongs to one is touched by its thread only. Between them there are
// `run_on`, which carries a coroutine out there and answers here, `post`, and channels (loop_channel.hpp).
//
// Stopping: every loop's scope is cancelled; its calls end as they see fit and are awaited; a loop turns on
// until all of the group are drained, so that each can answer the others; then loops and threads end. `stop`
// waits as long as it is told to and then lists what is outstanding; nothing is ever torn down under who uses
// it. The destructor stops and waits without a limit.
//
// Thread rule: any thread, where nothing else is said; not from a loop of the group where it blocks (`run`,
// `call`, `stop`, the destructor). Lifetime: outlives who uses it. Bound: `calls_max` calls carried out on a
// loop at once, then errc::limit_reached; after a stop errc::closed.
#pragma once

#include <weir/async/flat_result.hpp>
#include <weir/async/task.hpp>
#include <weir/base/result.hpp>
#include <weir/io/loop.hpp>
#include <weir/runtime/remote_call.hpp>
#include <weir/runtime/restart_policy.hpp>

#include <chrono>
#include <concepts>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

namespace weir {

struct loop_group_options {
  /// `count` 0: a loop for each core that the process may use (sched_getaffinity(2)).
  explicit loop_group_options(unsigned count = 0) noexcept : loops(count) {}

  unsigned loops;
  bool pinned = true;        ///< each thread to one of the allowed cores, in order and round again
  std::string name = "weir"; ///< of the threads, with the loop's number: at most 15 characters in all
  loop_options loop;         ///< of each loop
  std::size_t calls_max = 16384;
  std::function<void(std::string_view listing)> on_overdue; ///< by default to standard error
};

class loop_group {
 public:
  /// Returns when all loops turn; where one cannot be made, none is, and the error names it.
  static result<std::unique_ptr<loop_group>> start(const loop_group_options& options = loop_group_options());
  ~loop_group();

  unsigned size() const noexcept;
  /// For `post`, `post_answer` and `wake`, which any thread may call.
  loop& operator[](unsigned index) noexcept;
  /// Of the loop that runs on this thread; none when it is not of this group.
  std::optional<unsigned> current_index() const noexcept;

  /// `result<T> outcome = co_await group.run_on(2, make);` where `make` gives a task<T> or task<result<T>>:
  /// it is called and its task is run over there, and the value comes back here. It may refer to what the
  /// caller holds, which stays still meanwhile; the value must not belong to a loop. A cancellation of the
  /// caller reaches it, and it is awaited.
  template <std::invocable Make, class T = typename std::invoke_result_t<Make&>::value_type>
  task<flat_result<T>> run_on(unsigned index, Make make);

  /// The same from a thread without a loop, which blocks.
  template <std::invocable Make, class T = typename std::invoke_result_t<Make&>::value_type>
  flat_result<T> call(unsigned index, Make make);

  /// Carries `main` out on each loop, supervised (supervise.hpp), and blocks until all have ended. The first
  /// failure that `policy` does not answer with a restart stops the group, and is the outcome.
  result<> run(const std::function<task<result<>>(unsigned index)>& main,
               const restart_policy& policy = restart_policy::never());

  /// Does not block: asks all loops to end what they do.
  void request_stop() noexcept;
  /// std::errc::timed_out when not all loops have ended within `patience`; what is outstanding on the others
  /// has been told to `on_overdue` then, and they go on ending. May be called again.
  result<> stop(std::chrono::nanoseconds patience);

  struct state;

 private:
  explicit loop_group(std::unique_ptr<state> made) noexcept;
  loop_seat& seat(unsigned index) noexcept;
  /// False when all loops are drained: nobody is there to answer.
  bool enter() noexcept;
  void leave() noexcept;
  /// Leaves on every path, allocation failures included: else the group would wait for ever.
  struct leaving {
    explicit leaving(loop_group& which) noexcept : group(which) {}
    ~leaving() { group.leave(); }
    leaving(const leaving&) = delete;
    leaving& operator=(const leaving&) = delete;
    loop_group& group;
  };

  template <class T, class Make, class Base>
  class typed_call;

  std::unique_ptr<state> state_;
};

/// Carries the value or the exception.
template <class T, class Make, class Base>
class loop_group::typed_call final : public Base {
 public:
  typed_call(loop_seat& to, Make& make) : Base(to), make_(make) {}

  flat_result<T> await_resume() {
    if (this->failure_) return fail(std::move(*this->failure_));
    if (thrown_) std::rethrow_exception(std::move(thrown_));
    return std::move(*outcome_);
  }

 private:
  task<> body() override {
    try {
      if constexpr (std::is_void_v<T>) {
        co_await make_();
        outcome_.emplace();
      } else {
        outcome_.emplace(co_await make_());
      }
    } catch (...) {
      thrown_ = std::current_exception();
    }
  }

  Make& make_;
  std::optional<flat_result<T>> outcome_;
  std::exception_ptr thrown_;
};

template <std::invocable Make, class T>
task<flat_result<T>> loop_group::run_on(unsigned index, Make make) {
  if (!enter()) co_return fail(errc::closed, "run_on");
  const leaving at_the_end(*this);
  co_return co_await typed_call<T, Make, awaited_call>(seat(index), make);
}

template <std::invocable Make, class T>
flat_result<T> loop_group::call(unsigned index, Make make) {
  if (!enter()) return fail(errc::closed, "call");
  typed_call<T, Make, blocking_call> asked(seat(index), make);
  {
    const leaving at_the_end(*this);
    asked.start();
    asked.wait();
  }
  return asked.await_resume();
}

} // namespace weir
