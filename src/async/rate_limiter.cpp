#include <weir/async/rate_limiter.hpp>
#include <weir/io/loop.hpp>

#include <cassert>
#include <limits>

namespace weir {

rate_limiter::rate_limiter(rate_limiter_options options) noexcept
    : timer([](timer& self) noexcept { static_cast<rate_limiter&>(self).serve(); }), options_(options),
      credit_(cost_of(options.burst)) {
  assert(options_.tokens_per_period > 0 && options_.period_ns > 0);
  assert(options_.burst <= std::numeric_limits<std::uint64_t>::max() / options_.period_ns);
}

result<> rate_limiter::try_acquire(std::uint64_t tokens) noexcept {
  if (tokens > options_.burst) return fail(errc::invalid_argument, "rate limiter: more than its burst");
  if (!try_take(tokens)) return fail(std::errc::operation_would_block, "rate limiter");
  return {};
}

bool rate_limiter::try_take(std::uint64_t tokens) noexcept {
  assert(loop::current() && "a rate limiter takes its time from a loop");
  refill(loop::current()->now_ns());
  if (waiting_count_ != 0 || cost_of(tokens) > credit_) return false;
  credit_ -= cost_of(tokens);
  return true;
}

void rate_limiter::refill(std::uint64_t now_ns) noexcept {
  const std::uint64_t passed_ns = now_ns - filled_at_ns_;
  const std::uint64_t missing = cost_of(options_.burst) - credit_;
  filled_at_ns_ = now_ns;
  // Divided, because the product of a long time would not fit.
  if (passed_ns > missing / options_.tokens_per_period)
    credit_ = cost_of(options_.burst);
  else
    credit_ += passed_ns * options_.tokens_per_period;
}

/// Lets go whoever can, and sets the timer for the next.
void rate_limiter::serve() noexcept {
  loop& on = *loop::current();
  refill(on.now_ns());
  while (acquire_awaiter* next = waiting_.front()) {
    const std::uint64_t cost = cost_of(next->tokens_);
    if (cost > credit_) {
      const std::uint64_t wait_ns = (cost - credit_ - 1) / options_.tokens_per_period + 1;
      return on.arm(*this, on.now_ns() + wait_ns);
    }
    credit_ -= cost;
    --waiting_count_;
    next->is_in_line_ = false;
    next->wake();
  }
}

bool rate_limiter::acquire_awaiter::is_settled() noexcept {
  if (tokens_ > limiter_.options_.burst) {
    fail_with(error(errc::invalid_argument, "rate limiter: more than its burst"));
    return true;
  }
  if (limiter_.try_take(tokens_)) return true;
  if (limiter_.waiting_count_ >= limiter_.options_.waiting_max) {
    fail_with(error(errc::limit_reached, "rate limiter: waiting_max"));
    return true;
  }
  limiter_.waiting_.push_back(*this);
  ++limiter_.waiting_count_;
  is_in_line_ = true;
  wait();
  if (limiter_.waiting_count_ == 1) limiter_.serve();
  return false;
}

result<> rate_limiter::acquire_awaiter::await_resume() noexcept {
  if (is_in_line_) { // cancelled: who stood behind may need less, or less time
    --limiter_.waiting_count_;
    limiter_.serve();
  }
  return outcome();
}

} // namespace weir
