// unvoid: lets a task<void> stand among tasks with values.
#pragma once

#include <weir/async/task.hpp>

#include <type_traits>
#include <variant>

namespace weir {

template <class T>
using unvoid = std::conditional_t<std::is_void_v<T>, std::monostate, T>;

/// The value of a task that has ended.
template <class T>
unvoid<T> take_unvoid(task<T>& ended) {
  if constexpr (std::is_void_v<T>) {
    ended.take();
    return std::monostate();
  } else {
    return ended.take();
  }
}

} // namespace weir
