// when_all: runs tasks side by side and gives all their values:
// `auto [text, count] = co_await when_all(fetch(a), measure(b));`
//
// The tasks start in order, at once. An exception of one cancels the others; all are awaited, then the first
// exception is rethrown (later ones are lost with the values). An error in a result<T> is a value: it cancels
// nothing; a nursery is what ends siblings at an error. Cancel-safe as the tasks are: a cancellation reaches
// all, and their values are delivered. A task<void> gives std::monostate.
#pragma once

#include <weir/async/branch.hpp>
#include <weir/async/task.hpp>
#include <weir/async/unvoid.hpp>

#include <array>
#include <tuple>
#include <type_traits>
#include <vector>

namespace weir {

template <class... Ts>
  requires(sizeof...(Ts) > 0)
task<std::tuple<unvoid<Ts>...>> when_all(task<Ts>... tasks) {
  join below(join_rule::cancel_at_exception, co_await current_cancellation());
  std::size_t index = 0;
  std::array<branch, sizeof...(Ts)> branches{make_branch(tasks, below, index++)...};
  co_await below.run(branches);
  below.rethrow_failure();
  co_return std::tuple<unvoid<Ts>...>{take_unvoid(tasks)...};
}

/// Any number of tasks of one kind; the values in the order of the tasks. Allocates the vectors.
template <class T>
task<std::vector<unvoid<T>>> when_all(std::vector<task<T>> tasks) {
  join below(join_rule::cancel_at_exception, co_await current_cancellation());
  std::vector<branch> branches = make_branches(tasks, below);
  co_await below.run(branches);
  below.rethrow_failure();
  co_return take_unvoid(tasks);
}

} // namespace weir
