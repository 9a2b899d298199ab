// step_back: lets what was woken before it run first, within the same turn: `co_await step_back();`
//
// For who hands work on piece by piece: whoever was woken with the first piece uses it while it is still in
// the cache, and before the next ones pile up. It does not give way to I/O; that is `yield`. No bound of its
// own: the phase's budget holds (docs/loop.md). Not cancellable: it waits for nothing.
#pragma once

#include <weir/io/loop.hpp>
#include <weir/io/work.hpp>

#include <cassert>
#include <coroutine>

namespace weir {

class [[nodiscard]] step_back : private work {
 public:
  step_back() noexcept
      : work([](work& self) noexcept { static_cast<step_back&>(self).coroutine_.resume(); }) {}

  bool await_ready() const noexcept { return false; }
  void await_suspend(std::coroutine_handle<> awaiting) noexcept {
    coroutine_ = awaiting;
    assert(loop::current() && "weir's awaitables are awaited on a loop");
    loop::current()->resume_soon(*this);
  }
  void await_resume() const noexcept {}

 private:
  std::coroutine_handle<> coroutine_;
};

} // namespace weir
