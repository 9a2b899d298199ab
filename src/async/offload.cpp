#include <weir/async/offload.hpp>
#include <weir/io/loop.hpp>

#include <cassert>

namespace weir {

offload_awaiter::offload_awaiter(pool_class which, when_full policy, callee to_call) noexcept
    : pool_work([](pool_work& self) noexcept {
        auto& awaiter = static_cast<offload_awaiter&>(self);
        awaiter.call_(awaiter);
        awaiter.loop_->post_answer(awaiter); // the awaiter may be gone when this returns
      }),
      work([](work& self) noexcept {
        auto& awaiter = static_cast<offload_awaiter&>(self);
        awaiter.cancel_callback::unlink();
        awaiter.loop_->answer_taken();
        awaiter.coroutine_.resume();
      }),
      cancel_callback([](cancel_callback& self) noexcept { static_cast<offload_awaiter&>(self).cancelled(); },
                      [](const cancel_callback&, const wait_visitor& visit) { visit(wait_note("offload")); }),
      call_(to_call), class_(which), policy_(policy) {}

/// False: the outcome is a failure, and nothing waits.
bool offload_awaiter::begins(cancellation* scope) noexcept {
  if (scope && scope->is_requested()) {
    failure_.emplace(std::errc::operation_canceled, "offload");
    return false;
  }
  loop_ = loop::current();
  assert(loop_ && "weir's awaitables are awaited on a loop");
  result<> submitted = loop_->blocking().submit(class_, *this, policy_);
  if (!submitted) {
    failure_ = std::move(submitted).error();
    return false;
  }
  loop_->expect_answer();
  if (scope) scope->add(*this); // the answer cannot overtake this: it comes in a later turn
  return true;
}

void offload_awaiter::cancelled() noexcept {
  if (!loop_->blocking().revoke(class_, *this)) {
    stop_.request_stop();
    return;
  }
  failure_.emplace(std::errc::operation_canceled, "offload");
  loop_->resume_soon(*this);
}

} // namespace weir
