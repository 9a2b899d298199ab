// shield: runs a task out of reach of the surrounding cancellation, for clean-up that must end:
// `co_await shield(say_goodbye(stream));`
//
// The task runs in no scope at all: give it a deadline of its own (with_deadline), or it may hold up for ever
// those who cancel.
#pragma once

#include <weir/async/task.hpp>

namespace weir {

template <class T>
class [[nodiscard]] shield {
 public:
  explicit shield(task<T> protected_task) noexcept : task_(std::move(protected_task)) {}
  auto operator co_await() && noexcept { return std::move(task_).under(nullptr); }

 private:
  task<T> task_;
};

} // namespace weir
