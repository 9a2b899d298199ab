// cancellation: a scope that can be asked to end. Whatever can be cancelled hangs a callback on the scope
// that it runs in; scopes nest, and a request reaches everything below it.
//
// Thread rule: the loop's thread; from elsewhere, `loop::post` a request. Lifetime: callbacks leave before
// the scope dies (asserted). Re-entrancy: callbacks run inside `request`. They may ask (`loop::cancel`,
// `loop::defer`) but must not resume a coroutine. Bound: intrusive, no memory of its own; a request costs one
// call for each callback.
#pragma once

#include <weir/base/intrusive.hpp>

namespace weir {

class cancellation;

/// Hangs on a scope while it is linked.
class cancel_callback : public list_hook<> {
 public:
  using function = void (*)(cancel_callback& self) noexcept;
  explicit cancel_callback(function on_request) noexcept : on_request_(on_request) {}

 private:
  friend class cancellation;
  function on_request_;
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

 private:
  intrusive_list<cancel_callback> callbacks_;
  bool requested_ = false;
};

} // namespace weir
