// run: the way in from ordinary code: turns a loop until a task has ended.
//
// Thread rule: the loop's thread, outside its turns. Returns the task's value or rethrows its exception.
// Other work of the loop runs on meanwhile and stops when this returns: what must end first is awaited by the
// task.
#pragma once

#include <weir/async/branch.hpp>
#include <weir/async/task.hpp>
#include <weir/io/loop.hpp>
#include <weir/io/work.hpp>

#include <cassert>
#include <utility>

namespace weir {

/// Awaits the task, then makes the loop come out of its wait.
template <class T>
branch make_root(task<T>& which, loop& on) {
  co_await which.end();
  on.wake();
}

/// Starts a branch from within a turn of the loop.
class root_start : private work {
 public:
  root_start(loop& on, branch& root, cancellation* scope) noexcept
      : work([](work& self) noexcept {
          auto& start = static_cast<root_start&>(self);
          start.root_.start(start.scope_, nullptr);
        }),
        root_(root), scope_(scope) {
    on.defer(*this);
  }

 private:
  branch& root_;
  cancellation* scope_;
};

/// `scope`: what can cancel the task, such as a request to shut down; null: nothing can.
template <class T>
T run(loop& on, task<T> main, cancellation* scope = nullptr) {
  assert(loop::current() != &on && "run is not called from within the loop");
  branch root = make_root(main, on);
  root_start start(on, root, scope);
  while (!root.has_ended()) on.turn();
  return main.take();
}

} // namespace weir
