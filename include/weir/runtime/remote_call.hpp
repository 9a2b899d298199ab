// remote_call: a coroutine carried out on another loop while somebody waits for its outcome here. What
// loop_group::run_on and loop_group::call are made of.
//
// It lives with who waits, and is answered exactly once; the answer is the last touch of the other thread.
// A cancellation is sent after it and awaited: it reaches the scope in which the coroutine runs there. Bound:
// the questions of a loop are made of the memory of those who wait; `calls_max` of them run at once.
#pragma once

#include <weir/async/task.hpp>
#include <weir/base/result.hpp>
#include <weir/io/cancellation.hpp>
#include <weir/io/loop.hpp>
#include <weir/io/work.hpp>

#include <atomic>
#include <condition_variable>
#include <coroutine>
#include <exception>
#include <mutex>
#include <optional>

namespace weir {

class loop_seat;

class remote_call {
 public:
  remote_call(const remote_call&) = delete;
  remote_call& operator=(const remote_call&) = delete;

 protected:
  explicit remote_call(loop_seat& to) noexcept : seat_(to) {}
  ~remote_call() = default;

  /// What the derived class does there; keeps the outcome and lets no exception through.
  virtual task<> body() = 0;
  /// On the other thread: it is over, and after this call the object may be gone.
  virtual void answer() noexcept = 0;

  void send() noexcept;
  /// On the thread of who asked, between `send` and the answer.
  void send_cancel() noexcept;
  bool is_refused() const noexcept { return refused_.has_value(); }
  error refusal() noexcept { return std::move(*refused_); }

 private:
  struct step : work {
    step(remote_call& of, function to_run) noexcept : work(to_run), owner(of) {}
    remote_call& owner;
  };

  void begin() noexcept;
  task<> carry_out();
  void finished() noexcept;
  void cancel_arrived() noexcept;

  enum : unsigned { cancel_sent = 1, has_finished = 2 };

  loop_seat& seat_;
  step begin_{*this, [](work& self) noexcept { static_cast<step&>(self).owner.begin(); }};
  step cancel_{*this, [](work& self) noexcept { static_cast<step&>(self).owner.cancel_arrived(); }};
  std::atomic<unsigned> progress_{0};
  std::optional<error> refused_;
  cancellation* scope_ = nullptr; ///< of the coroutine, while it runs
  bool is_cancel_here_ = false;   ///< of the other thread
};

/// Asked by a coroutine.
class awaited_call : protected remote_call, private work, private cancel_callback {
 public:
  bool await_ready() const noexcept { return false; }
  template <class Promise>
  bool await_suspend(std::coroutine_handle<Promise> awaiting) noexcept {
    coroutine_ = awaiting;
    return ask(scope_of(awaiting));
  }

 protected:
  explicit awaited_call(loop_seat& to) noexcept;
  ~awaited_call() = default;

  std::optional<error> failure_; ///< it was not carried out

 private:
  bool ask(cancellation* scope) noexcept;
  void answer() noexcept final { home_->post_answer(*this); }
  void answered() noexcept;

  std::coroutine_handle<> coroutine_;
  loop* home_ = nullptr;
};

/// Asked by a thread that has no loop, and blocks.
class blocking_call : protected remote_call {
 public:
  void start() noexcept { send(); }
  void wait() noexcept;

 protected:
  explicit blocking_call(loop_seat& to) noexcept : remote_call(to) {}
  ~blocking_call() = default;

  std::optional<error> failure_;

 private:
  void answer() noexcept final;

  std::mutex mutex_;
  std::condition_variable changed_;
  bool is_answered_ = false;
};

} // namespace weir
