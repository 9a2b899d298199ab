#include "loop_seat.hpp"

#include <weir/runtime/remote_call.hpp>

#include <new>

namespace weir {

void remote_call::send() noexcept {
  seat_.home().post_answer(begin_);
}

void remote_call::send_cancel() noexcept {
  // What has finished is not reached any more: the answer is on its way.
  if (!(progress_.fetch_or(cancel_sent, std::memory_order_acq_rel) & has_finished))
    seat_.home().post_answer(cancel_);
}

void remote_call::begin() noexcept {
  try {
    if (seat_.try_begin(carry_out())) return;
    refused_.emplace(seat_.is_stopping() ? errc::closed : errc::limit_reached, "run_on");
  } catch (const std::bad_alloc&) {
    refused_.emplace(std::errc::not_enough_memory, "run_on");
  }
  finished();
}

task<> remote_call::carry_out() {
  try {
    cancellation scope(co_await current_cancellation());
    scope_ = &scope;
    if (is_cancel_here_) scope.request();
    co_await body().under(&scope);
  } catch (const std::bad_alloc&) { // of the frame of the body: what runs inside keeps its own
    refused_.emplace(std::errc::not_enough_memory, "run_on");
  }
  scope_ = nullptr;
  finished(); // the frame lives on, the call maybe not
}

void remote_call::finished() noexcept {
  const unsigned before = progress_.fetch_or(has_finished, std::memory_order_acq_rel);
  if ((before & cancel_sent) && !is_cancel_here_) return; // it is on its way, and answers
  answer();
}

void remote_call::cancel_arrived() noexcept {
  is_cancel_here_ = true;
  if (progress_.load(std::memory_order_relaxed) & has_finished) return answer();
  if (scope_) scope_->request();
}

// --- who asks ---

awaited_call::awaited_call(loop_seat& to) noexcept
    : remote_call(to), work([](work& self) noexcept { static_cast<awaited_call&>(self).answered(); }),
      cancel_callback(
          [](cancel_callback& self) noexcept { static_cast<awaited_call&>(self).send_cancel(); }) {}

bool awaited_call::ask(cancellation* scope) noexcept {
  if (scope && scope->is_requested()) {
    failure_.emplace(std::errc::operation_canceled, "run_on");
    return false;
  }
  home_ = loop::current();
  home_->expect_answer();
  if (scope) scope->add(*this);
  send();
  return true;
}

void awaited_call::answered() noexcept {
  home_->answer_taken();
  cancel_callback::unlink();
  if (is_refused()) failure_ = refusal();
  coroutine_.resume();
}

void blocking_call::answer() noexcept {
  const std::lock_guard lock(mutex_); // told under the lock: who waits may end at once
  is_answered_ = true;
  changed_.notify_one();
}

void blocking_call::wait() noexcept {
  std::unique_lock lock(mutex_);
  changed_.wait(lock, [this] { return is_answered_; });
  if (is_refused()) failure_ = refusal();
}

} // namespace weir
