// unvoid: lets a task<void> stand among tasks with values.
#pragma once

#include <weir/async/task.hpp>

#include <type_traits>
#include <variant>
#include <vector>

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

template <class T>
std::vector<unvoid<T>> take_unvoid(std::vector<task<T>>& ended) {
  std::vector<unvoid<T>> values;
  values.reserve(ended.size());
  for (task<T>& each : ended) values.push_back(take_unvoid(each));
  return values;
}

} // namespace weir
