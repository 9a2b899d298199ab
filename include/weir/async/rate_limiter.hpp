// rate_limiter: lets so many things a period happen, evenly in the long run, and so many at once (a token
// bucket; Turner, 1986): `result<> granted = co_await requests.acquire();`
//
// The bucket starts full, at `burst` tokens, and fills at the rate; what comes while it is full is lost. Who
// finds too few tokens waits in line, first come, first served: a large demand is not overtaken by small
// ones. Time is the loop's: waits end with the timer wheel's resolution (65.5 us), and tokens that fall due
// within a tick are given together, so above 15,000 a second `burst` should cover a tick. Cancel-safe: an
// acquire that was cancelled takes no token. Bound: `waiting_max` in line; at the bound errc::limit_reached.
// Errors besides: errc::invalid_argument for more than `burst`, which never fits; cancellation. Thread rule:
// the thread of the loop that awaits it. Lifetime: outlives those who wait, and those who were cancelled
// until they have resumed (asserted). No memory of its own.
#pragma once

#include <weir/async/waiter.hpp>
#include <weir/base/result.hpp>
#include <weir/io/timer.hpp>

#include <cassert>
#include <chrono>
#include <cstddef>
#include <cstdint>

namespace weir {

struct rate_limiter_options {
  /// `tokens` each `period`; `at_once` is the most that lie ready, 0: as many as a period gives.
  explicit rate_limiter_options(std::uint32_t tokens,
                                std::chrono::nanoseconds each_period = std::chrono::seconds(1),
                                std::uint32_t at_once = 0, std::size_t in_line_max = 1024) noexcept
      : tokens_per_period(tokens), period_ns(static_cast<std::uint64_t>(each_period.count())),
        burst(at_once != 0 ? at_once : tokens), waiting_max(in_line_max) {}

  std::uint64_t tokens_per_period; ///< at least 1
  std::uint64_t period_ns;         ///< at least 1; `burst` times this fits 64 bits
  std::uint64_t burst;
  std::size_t waiting_max;
};

class rate_limiter : private timer {
 public:
  explicit rate_limiter(rate_limiter_options options) noexcept;
  ~rate_limiter() { assert(waiting_count_ == 0 && "a rate limiter was destroyed before those in its line"); }
  rate_limiter(const rate_limiter&) = delete;
  rate_limiter& operator=(const rate_limiter&) = delete;

  class acquire_awaiter;

  /// Waits until `tokens` are there and nobody is before.
  acquire_awaiter acquire(std::uint64_t tokens = 1) noexcept;
  /// The same without waiting: std::errc::operation_would_block. Called on the loop.
  result<> try_acquire(std::uint64_t tokens = 1) noexcept;

  /// How many stand in line. Who was cancelled leaves it when it resumes.
  std::size_t waiting() const noexcept { return waiting_count_; }

 private:
  bool try_take(std::uint64_t tokens) noexcept;
  void refill(std::uint64_t now_ns) noexcept;
  void serve() noexcept;
  std::uint64_t cost_of(std::uint64_t tokens) const noexcept { return tokens * options_.period_ns; }

  rate_limiter_options options_;
  // In parts of a token, `period_ns` to one: a nanosecond fills in `tokens_per_period` of them, exactly.
  std::uint64_t credit_;
  std::uint64_t filled_at_ns_ = 0;
  std::size_t waiting_count_ = 0;
  intrusive_list<acquire_awaiter, waiter> waiting_;
};

class [[nodiscard]] rate_limiter::acquire_awaiter : public waiter {
 public:
  acquire_awaiter(rate_limiter& of, std::uint64_t tokens) noexcept
      : waiter("rate limiter"), limiter_(of), tokens_(tokens) {}

  template <class Promise>
  bool await_suspend(std::coroutine_handle<Promise> awaiting) noexcept {
    return enter(awaiting) && !is_settled();
  }
  result<> await_resume() noexcept;

 private:
  friend class rate_limiter;
  /// Takes or refuses when that can be told now; else it waits.
  bool is_settled() noexcept;

  rate_limiter& limiter_;
  std::uint64_t tokens_;
  bool is_in_line_ = false;
};

inline rate_limiter::acquire_awaiter rate_limiter::acquire(std::uint64_t tokens) noexcept {
  return acquire_awaiter(*this, tokens);
}

} // namespace weir
