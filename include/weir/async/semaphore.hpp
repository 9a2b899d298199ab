// semaphore: a bound on how many coroutines of one loop do something at once:
// `result<semaphore::permit> seat = co_await seats.acquire();`
//
// A permit goes back when it dies, or by `release`; whoever waits then gets it, first come, first served:
// nobody who comes later overtakes. Cancel-safe: an acquire that was cancelled holds nothing, one that was
// given its permit delivers it, whatever is cancelled afterwards. Thread rule: the loop's thread; whoever is
// woken resumes in the deferred phase. Lifetime: outlives its permits and those who wait (asserted). Bound:
// intrusive, no memory of its own; the line is as long as there are coroutines that wait in it.
#pragma once

#include <weir/async/waiter.hpp>
#include <weir/base/result.hpp>

#include <cassert>
#include <cstddef>
#include <system_error>
#include <utility>

namespace weir {

class semaphore {
 public:
  explicit semaphore(std::size_t permits) noexcept : available_(permits), permits_(permits) {}
  ~semaphore() { assert(available_ == permits_ && "a semaphore was destroyed before its permits"); }
  semaphore(const semaphore&) = delete;
  semaphore& operator=(const semaphore&) = delete;

  class permit;
  class acquire_awaiter;

  /// Waits while all permits are out.
  acquire_awaiter acquire() noexcept;
  /// The same without waiting: std::errc::operation_would_block when all are out.
  result<permit> try_acquire() noexcept;

  std::size_t available() const noexcept { return available_; }
  std::size_t permits() const noexcept { return permits_; }

 private:
  bool try_take() noexcept {
    if (available_ == 0) return false; // also while somebody waits: none is free then
    --available_;
    return true;
  }
  void give_back() noexcept;

  std::size_t available_;
  std::size_t permits_;
  intrusive_list<acquire_awaiter, waiter> waiting_; ///< only while none is available
};

/// The right to one of the places. Empty when moved from or released.
class [[nodiscard]] semaphore::permit {
 public:
  permit(permit&& other) noexcept : of_(std::exchange(other.of_, nullptr)) {}
  permit& operator=(permit&& other) noexcept {
    if (this != &other) {
      release();
      of_ = std::exchange(other.of_, nullptr);
    }
    return *this;
  }
  ~permit() { release(); }

  void release() noexcept {
    if (semaphore* of = std::exchange(of_, nullptr)) of->give_back();
  }

 private:
  friend class semaphore;
  explicit permit(semaphore& of) noexcept : of_(&of) {}
  semaphore* of_;
};

class [[nodiscard]] semaphore::acquire_awaiter : public waiter {
 public:
  explicit acquire_awaiter(semaphore& of) noexcept : waiter("acquire"), semaphore_(of) {}

  template <class Promise>
  bool await_suspend(std::coroutine_handle<Promise> awaiting) noexcept {
    if (!enter(awaiting) || semaphore_.try_take()) return false;
    semaphore_.waiting_.push_back(*this);
    wait();
    return true;
  }
  result<permit> await_resume() noexcept {
    if (has_failed()) return take_failure();
    return permit(semaphore_);
  }

 private:
  semaphore& semaphore_;
};

inline semaphore::acquire_awaiter semaphore::acquire() noexcept {
  return acquire_awaiter(*this);
}

inline result<semaphore::permit> semaphore::try_acquire() noexcept {
  if (!try_take()) return fail(std::errc::operation_would_block, "acquire");
  return permit(*this);
}

inline void semaphore::give_back() noexcept {
  if (acquire_awaiter* next = waiting_.front()) return next->wake(); // it passes from hand to hand
  ++available_;
}

} // namespace weir
