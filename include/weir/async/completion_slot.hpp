// completion_slot: callbacks instead of coroutines for everything that can be awaited: streams, listeners,
// timers, datagrams, files, tasks.
//
//   completion_slot reading(*loop);                                 a member of a session, say
//   reading.start([&] { return client.read(); }, [&](result<lease> received) { … });
//
// One act in flight at a time, as with an operation, which this is at a higher level: `start` never calls the
// handler, the handler is called exactly once, and when it runs the slot is idle: it may start the slot anew
// or destroy it. Whoever has a read and a write in flight has two slots.
//
// Thread rule: the loop's thread; `start` also while the loop does not turn. Lifetime: a slot stays where it
// is and must be idle when it dies (asserted); what `act` and `handler` refer to stays until the handler has
// run. Cancel-safety: that of what is awaited: `cancel` asks, the handler tells. Bound: both functions lie in
// one coroutine frame from the pool (frame_pool.hpp): in steady state nothing is allocated. Errors: `start`
// throws std::bad_alloc where there is no memory for that frame, and nothing has begun. An exception of the
// act goes to a handler that takes a std::exception_ptr too; otherwise, and when a handler throws, the
// program ends.
#pragma once

#include <weir/async/awaited.hpp>
#include <weir/async/frame_pool.hpp>
#include <weir/io/cancellation.hpp>
#include <weir/io/loop.hpp>
#include <weir/io/work.hpp>

#include <cassert>
#include <concepts>
#include <coroutine>
#include <exception>
#include <optional>
#include <type_traits>
#include <utility>

namespace weir {

class completion_slot {
 public:
  explicit completion_slot(loop& on) noexcept : loop_(on) {}
  ~completion_slot() { assert(!is_pending() && "a completion_slot was destroyed before its handler ran"); }
  completion_slot(const completion_slot&) = delete;
  completion_slot& operator=(const completion_slot&) = delete;

  /// Awaits what `act()` gives, soon, in phase 4 of a turn (docs/loop.md), and calls `handler(outcome)`.
  template <std::move_constructible Act, std::move_constructible Handler>
    requires std::invocable<Act&>
  void start(Act act, Handler handler) {
    assert(!is_pending() && "a completion_slot was started twice");
    carry_out(*this, std::move(act), std::move(handler));
  }

  /// Asks the act to end. Does nothing to a slot that is idle.
  void cancel() noexcept {
    if (scope_) scope_->request();
  }
  bool is_pending() const noexcept { return scope_.has_value(); }

 private:
  class frame;

  template <class Act, class Handler>
  static frame carry_out(completion_slot& self, Act act, Handler handler);

  /// Last: the handler may start the slot anew, or destroy it.
  template <class Handler, class... Outcome>
  void end(Handler& handler, Outcome&&... outcome) noexcept {
    scope_.reset();
    handler(std::forward<Outcome>(outcome)...);
  }

  loop& loop_;
  std::optional<cancellation> scope_; ///< of the act, while it is pending
};

/// Owns itself: begins in the deferred phase, and is gone at its end.
class completion_slot::frame {
 public:
  class promise_type : public pooled_frame, private work {
   public:
    template <class... Arguments>
    explicit promise_type(completion_slot& of, Arguments&...) noexcept
        : work([](work& self) noexcept {
            std::coroutine_handle<promise_type>::from_promise(static_cast<promise_type&>(self)).resume();
          }),
          slot_(of) {}

    frame get_return_object() noexcept { return {}; }
    struct beginning {
      bool await_ready() const noexcept { return false; }
      void await_suspend(std::coroutine_handle<promise_type> begun) const noexcept {
        promise_type& self = begun.promise();
        self.slot_.scope_.emplace();
        self.slot_.loop_.resume_soon(self);
      }
      void await_resume() const noexcept {}
    };
    beginning initial_suspend() const noexcept { return {}; }
    std::suspend_never final_suspend() const noexcept { return {}; }
    void return_void() const noexcept {}
    void unhandled_exception() const noexcept {
      std::terminate();
    } // the act's, which the handler cannot take
    cancellation* scope() const noexcept { return &*slot_.scope_; }

   private:
    completion_slot& slot_;
  };
};

template <class Act, class Handler>
completion_slot::frame completion_slot::carry_out(completion_slot& self, Act act, Handler handler) {
  using outcome_type = typename awaited<std::invoke_result_t<Act&>>::type;
  struct nothing {};
  std::optional<std::conditional_t<std::is_void_v<outcome_type>, nothing, outcome_type>> outcome;
  std::exception_ptr thrown;
  try {
    if constexpr (std::is_void_v<outcome_type>)
      co_await act();
    else
      outcome.emplace(co_await act());
  } catch (...) {
    thrown = std::current_exception();
  }
  if constexpr (std::invocable<Handler&, std::exception_ptr>) {
    if (thrown) {
      self.end(handler, std::move(thrown));
      co_return;
    }
  }
  if (thrown) std::rethrow_exception(std::move(thrown));
  if constexpr (std::is_void_v<outcome_type>)
    self.end(handler);
  else
    self.end(handler, std::move(*outcome));
}

} // namespace weir
