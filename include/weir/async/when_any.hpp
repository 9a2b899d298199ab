// when_any: runs tasks side by side until the first ends, then cancels the others and awaits them.
//
// The tasks start in order, at once; when one ends while others have not started, these still run up to the
// first thing that they wait for. Every task ends, so every value is delivered: a loser's is commonly an
// error for which `is_cancelled()` holds, but a second winner, whose success raced with its cancellation, is
// there too and must be looked at where it owns something. An exception of any task is rethrown after all
// have ended, the first of them if there are several. Cancel-safe as the tasks are. A task<void> gives
// std::monostate.
#pragma once

#include <weir/async/branch.hpp>
#include <weir/async/task.hpp>
#include <weir/async/unvoid.hpp>

#include <array>
#include <cassert>
#include <cstddef>
#include <tuple>
#include <utility>
#include <vector>

namespace weir {

/// `auto [first, values] = co_await when_any(…)`, `values` in the order of the tasks.
template <class Values>
struct when_any_result {
  when_any_result(std::size_t index_of_first, Values&& of_all)
      : first(index_of_first), values(std::move(of_all)) {}

  std::size_t first; ///< index of the task that ended first
  Values values;
};

template <class... Ts>
  requires(sizeof...(Ts) > 0)
task<when_any_result<std::tuple<unvoid<Ts>...>>> when_any(task<Ts>... tasks) {
  join below(join_rule::cancel_at_first_end, co_await current_cancellation());
  std::size_t index = 0;
  std::array<branch, sizeof...(Ts)> branches{make_branch(tasks, below, index++)...};
  co_await below.run(branches);
  below.rethrow_failure();
  using values = std::tuple<unvoid<Ts>...>;
  co_return when_any_result<values>(below.first(), values{take_unvoid(tasks)...});
}

/// Any number of tasks of one kind, but one at least. Allocates the vectors.
template <class T>
task<when_any_result<std::vector<unvoid<T>>>> when_any(std::vector<task<T>> tasks) {
  assert(!tasks.empty() && "the first of none never ends");
  join below(join_rule::cancel_at_first_end, co_await current_cancellation());
  std::vector<branch> branches = make_branches(tasks, below);
  co_await below.run(branches);
  below.rethrow_failure();
  co_return when_any_result<std::vector<unvoid<T>>>(below.first(), take_unvoid(tasks));
}

} // namespace weir
