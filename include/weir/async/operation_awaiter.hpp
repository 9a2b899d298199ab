// operation_awaiter: an operation of io/ that a coroutine awaits. The operation lives in the awaiter, the
// awaiter in the coroutine's frame: nothing is allocated. operations.hpp has one for each kind.
//
// Started on the loop that runs the coroutine when it is awaited; the coroutine resumes from the completion
// (phase 3 of docs/loop.md). Cancel-safety: that of the operation: a success that races with the cancellation
// is delivered as a success. The memory that the arguments name must stay valid until then.
#pragma once

#include <weir/async/scope.hpp>
#include <weir/base/result.hpp>
#include <weir/io/cancellation.hpp>
#include <weir/io/loop.hpp>
#include <weir/io/operation.hpp>

#include <cassert>
#include <cerrno>
#include <coroutine>
#include <cstdint>
#include <source_location>
#include <utility>

namespace weir {

/// Whether the scope of the coroutine reaches the operation.
enum class heeds_scope : bool { no, yes };

template <class Operation>
class [[nodiscard]] operation_awaiter : protected Operation, private cancel_callback {
 public:
  bool await_ready() const noexcept { return false; }

  template <class Promise>
  bool await_suspend(std::coroutine_handle<Promise> awaiting) noexcept {
    cancellation* scope = heeds_ == heeds_scope::yes ? scope_of(awaiting) : nullptr;
    if (scope && scope->is_requested()) {
      result_ = -ECANCELED;
      return false;
    }
    coroutine_ = awaiting;
    loop_ = loop::current();
    assert(loop_ && "weir's awaitables are awaited on a loop");
    loop_->start(*this, where_);
    if (scope) scope->add(*this);
    return true;
  }

 protected:
  /// `arguments` are those of the operation; where it takes its handler, `&operation_awaiter::completed`.
  template <class... Arguments>
  explicit operation_awaiter(std::source_location where, heeds_scope heeds, Arguments&&... arguments) noexcept
      : Operation(std::forward<Arguments>(arguments)...),
        cancel_callback(
            [](cancel_callback& self) noexcept {
              auto& awaiter = static_cast<operation_awaiter&>(self);
              awaiter.loop_->cancel(awaiter);
            },
            [](const cancel_callback& self, const wait_visitor& visit) {
              const auto& awaiter = static_cast<const operation_awaiter&>(self);
              visit(wait_note(name_of(awaiter.kind()).data(), awaiter.descriptor(), awaiter.where_));
            }),
        where_(where), heeds_(heeds) {}
  ~operation_awaiter() = default;

  static void completed(operation& self, completion&& what) noexcept {
    auto& awaiter = static_cast<operation_awaiter&>(self);
    awaiter.result_ = what.result;
    awaiter.cancel_callback::unlink();
    awaiter.coroutine_.resume(); // the awaiter may be gone when this returns
  }

  bool has_failed() const noexcept { return result_ < 0; }
  int value() const noexcept { return result_; }
  std::unexpected<error> failure() const noexcept {
    return fail(error::from_errno(result_, name_of(this->kind()).data()));
  }
  result<> outcome_without_value() const noexcept {
    if (has_failed()) return failure();
    return {};
  }

 private:
  std::coroutine_handle<> coroutine_;
  loop* loop_ = nullptr;
  std::source_location where_;
  int result_ = 0;
  heeds_scope heeds_;
};

} // namespace weir
