// cancellation: a scope that can be asked to end. Whatever can be cancelled hangs a callback on the scope
// that it runs in; scopes nest, and a request reaches everything below it.
//
// What waits in a scope can be asked for (`for_each_wait`): the answer to "what am I waiting for?" below a
// nursery.
//
// Thread rule: the loop's thread; from elsewhere, `loop::post` a request. Lifetime: callbacks leave before
// the scope dies (asserted). Re-entrancy: callbacks run inside `request`. They may ask (`loop::cancel`,
// `loop::defer`) but must not resume a coroutine. Bound: intrusive, no memory of its own; a request costs one
// call for each callback.
#pragma once

#include <weir/base/intrusive.hpp>

#include <concepts>
#include <functional>
#include <source_location>

namespace weir {

class cancellation;

/// Something that a coroutine waits for.
struct wait_note {
  explicit wait_note(const char* name, int on_descriptor = -1,
                     std::source_location awaited_at = std::source_location()) noexcept
      : what(name), descriptor(on_descriptor), where(awaited_at) {}

  const char* what;           ///< "receive"; static storage
  int descriptor;             ///< -1: none
  std::source_location where; ///< of the await; line 0: not known
};
using wait_visitor = std::function<void(const wait_note&)>;

/// Hangs on a scope while it is linked.
class cancel_callback : public list_hook<> {
 public:
  using function = void (*)(cancel_callback& self) noexcept;
  using teller = void (*)(const cancel_callback& self, const wait_visitor& visit);

  /// Both are lambdas without captures, and a callback is as large as one pointer. `on_request`: runs when
  /// the scope is asked to end. `tell`: says what waits here.
  template <std::convertible_to<function> Function>
  explicit cancel_callback(Function) noexcept : role_(&role_of<Function>) {}
  template <std::convertible_to<function> Function, std::convertible_to<teller> Teller>
  cancel_callback(Function, Teller) noexcept : role_(&role_that_tells<Function, Teller>) {}

 private:
  friend class cancellation;
  struct role {
    function on_request;
    teller tell;
  };
  template <class Function>
  static constexpr role role_of{Function{}, nullptr};
  template <class Function, class Teller>
  static constexpr role role_that_tells{Function{}, Teller{}};

  const role* role_;
};

class cancellation : private cancel_callback {
 public:
  /// A root, or a scope below `parent` that is cancelled with it. `parent` may be null.
  explicit cancellation(cancellation* parent = nullptr) noexcept;
  ~cancellation() { unlink(); }

  bool is_requested() const noexcept { return requested_; }

  /// Runs every callback once, in the order in which they were added. The second request does nothing.
  void request() noexcept;

  /// Precondition: not requested yet: ask `is_requested` first.
  void add(cancel_callback& callback) noexcept;

  /// Everything that waits in this scope and in those below it and says so. What a request does not reach,
  /// and what was asked to end already, is not among it.
  void for_each_wait(const wait_visitor& visit) const;

 private:
  intrusive_list<cancel_callback> callbacks_;
  bool requested_ = false;
};

} // namespace weir
