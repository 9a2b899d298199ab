// awaited: the type of what `co_await` gives, of an awaiter or of what has an operator co_await of its own.
#pragma once

#include <utility>

namespace weir {

template <class Awaitable>
struct awaited {
  using type = decltype(std::declval<Awaitable&>().await_resume());
};
template <class Awaitable>
  requires requires(Awaitable&& what) { std::forward<Awaitable>(what).operator co_await(); }
struct awaited<Awaitable> {
  using type = decltype(std::declval<Awaitable>().operator co_await().await_resume());
};

} // namespace weir
