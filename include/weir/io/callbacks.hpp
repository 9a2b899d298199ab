// callbacks: operations, timers and pieces of work whose handler is a lambda or a member function, in place:
// nothing is allocated. The contract is that of what they wrap (operation.hpp, timer.hpp, work.hpp).
//
//   auto reading = on_completion<receive_operation>([&](completion&& got) { … }, socket, buffer);
//   member_operation<receive_operation, &session::received> reading_{*this, socket, buffer};
//   member_timer<&session::expired> patience_{*this};
//   function_work begin([&] { … });   loop->defer(begin), or from another thread: loop->post(begin)
//
// Lifetime: none of them moves; each outlives what it was started for. Handlers must not throw: a handler
// that does ends the program.
#pragma once

#include <weir/io/operation.hpp>
#include <weir/io/timer.hpp>
#include <weir/io/work.hpp>

#include <concepts>
#include <utility>

namespace weir {

template <class Member>
struct owner_of_member;
template <class Owner, class Function>
struct owner_of_member<Function Owner::*> {
  using type = Owner;
};
template <auto Member>
using owner_of = typename owner_of_member<decltype(Member)>::type;

/// `arguments` are those of the operation up to its handler.
template <std::derived_from<operation> Operation, std::invocable<completion&&> Handler>
class handled_operation final : public Operation {
 public:
  template <class... Arguments>
  explicit handled_operation(Handler called, Arguments&&... arguments)
      : Operation(std::forward<Arguments>(arguments)..., &handled_operation::completed),
        handler_(std::move(called)) {}

 private:
  static void completed(operation& self, completion&& what) noexcept {
    static_cast<handled_operation&>(self).handler_(std::move(what)); // which may destroy it
  }
  Handler handler_;
};

template <std::derived_from<operation> Operation, std::invocable<completion&&> Handler, class... Arguments>
handled_operation<Operation, Handler> on_completion(Handler handler, Arguments&&... arguments) {
  return handled_operation<Operation, Handler>(std::move(handler), std::forward<Arguments>(arguments)...);
}

/// A member of the object whose member function `Handler(completion&&)` is called.
template <std::derived_from<operation> Operation, auto Handler>
class member_operation final : public Operation {
 public:
  template <class... Arguments>
  explicit member_operation(owner_of<Handler>& owner, Arguments&&... arguments) noexcept
      : Operation(std::forward<Arguments>(arguments)..., &member_operation::completed), owner_(owner) {}

 private:
  static void completed(operation& self, completion&& what) noexcept {
    (static_cast<member_operation&>(self).owner_.*Handler)(std::move(what)); // which may destroy it
  }
  owner_of<Handler>& owner_;
};

/// Calls `Handler()` of its owner when it is due (`loop::arm`).
template <auto Handler>
class member_timer final : public timer {
 public:
  explicit member_timer(owner_of<Handler>& owner) noexcept
      : timer([](timer& self) noexcept { (static_cast<member_timer&>(self).owner_.*Handler)(); }),
        owner_(owner) {}

 private:
  owner_of<Handler>& owner_;
};

template <std::invocable Function>
class function_work final : public work {
 public:
  explicit function_work(Function called)
      : work([](work& self) noexcept { static_cast<function_work&>(self).function_(); }),
        function_(std::move(called)) {}

 private:
  Function function_;
};

} // namespace weir
