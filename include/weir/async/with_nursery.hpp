// with_nursery: opens a nursery around a body and leaves it when the body and all children have ended:
//
//   auto serve_all = [&](nursery& children) -> task<result<>> { … co_await children.spawn(serve(stream)); …
//   }; result<> outcome = co_await with_nursery(nursery_options(100), serve_all);
//
// The body runs in the scope of the nursery: a failing child ends it too. A body that fails, by an error or
// an exception, cancels the children, whatever the policy. The outcome is the first failure, of the body or
// (policy propagate) of a child; else the value of the body. Name the body as above: g++ 12 destroys a lambda
// with captures that stands inside a co_await statement twice (docs/compilers.md).
#pragma once

#include <weir/async/flat_result.hpp>
#include <weir/async/nursery.hpp>
#include <weir/async/task.hpp>

#include <concepts>
#include <exception>
#include <optional>
#include <source_location>
#include <type_traits>
#include <utility>

namespace weir {

/// `body`: a callable with the signature task<T>(nursery&) or task<result<T>>(nursery&); gives
/// task<result<T>>.
template <std::invocable<nursery&> Body, class T = typename std::invoke_result_t<Body&, nursery&>::value_type>
task<flat_result<T>> with_nursery(nursery_options options, Body body,
                                  std::source_location where = std::source_location::current()) {
  nursery children(std::move(options), co_await current_cancellation(), where);
  std::optional<flat_result<T>> outcome;
  try {
    if constexpr (std::is_void_v<T>) {
      co_await body(children).under(&children.scope());
      outcome.emplace();
    } else {
      outcome.emplace(co_await body(children).under(&children.scope()));
    }
  } catch (...) {
    children.fail_with(failure(std::current_exception()));
  }
  if (outcome && !*outcome) children.fail_with(failure(outcome->error()));

  result<> joined = co_await children.join();
  if (!joined) co_return fail(std::move(joined).error());
  co_return std::move(*outcome);
}

} // namespace weir
