// What retry and hedge take: a callable that makes a new attempt, a task<result<T>>, each time it is called.
// It may take the number of the attempt, from 1, say to choose another peer for each.
#pragma once

#include <weir/async/task.hpp>

#include <concepts>
#include <utility>

namespace weir {

template <class Make>
concept makes_attempts = std::invocable<Make&, unsigned> || std::invocable<Make&>;

template <makes_attempts Make>
auto make_attempt(Make& make, unsigned number) {
  if constexpr (std::invocable<Make&, unsigned>)
    return make(number);
  else
    return make();
}

/// The result<T> of its tasks.
template <makes_attempts Make>
using attempt_result = typename decltype(make_attempt(std::declval<Make&>(), 1))::value_type;

} // namespace weir
