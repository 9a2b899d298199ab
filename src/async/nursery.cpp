#include <weir/async/nursery.hpp>
#include <weir/io/loop.hpp>

#include <cassert>
#include <cstdio>
#include <utility>

namespace weir {

class nursery::child::promise_type : public pooled_frame, private work {
 public:
  promise_type() noexcept
      : work([](work& self) noexcept { handle::from_promise(static_cast<promise_type&>(self)).resume(); }) {}

  child get_return_object() noexcept { return child(handle::from_promise(*this)); }
  std::suspend_always initial_suspend() const noexcept { return {}; }
  std::suspend_never final_suspend() const noexcept { return {}; } // the frame destroys itself
  void return_void() const noexcept {}
  void unhandled_exception() const noexcept { std::terminate(); } // run_child lets none through
  cancellation* scope() const noexcept { return scope_; }

  void launch(cancellation& scope) noexcept {
    scope_ = &scope;
    loop::current()->defer(*this);
  }

 private:
  cancellation* scope_ = nullptr;
};

template <class T>
nursery::child nursery::run_child(nursery& in, task<T> body, std::source_location where) {
  try {
    if constexpr (std::is_void_v<T>) {
      co_await std::move(body);
    } else {
      result<> outcome = co_await std::move(body);
      if (!outcome) in.child_failed(failure(std::move(outcome).error(), where));
    }
  } catch (...) {
    in.child_failed(failure(std::current_exception(), where));
  }
  in.child_ended();
}

nursery::nursery(nursery_options options, cancellation* parent, std::source_location where)
    : task_owner([](const task_owner& self) { return static_cast<const nursery&>(self).report_owned(); }),
      options_(std::move(options)), scope_(parent), where_(where) {
  assert(options_.limit > 0);
  if (!scope_.is_requested()) scope_.add(refusal_);
}

nursery::~nursery() {
  assert(running_ == 0 && waiting_.empty() && "a nursery was left before its children had ended");
  refusal_.unlink();
}

nursery::refusal::refusal(nursery& of) noexcept
    : cancel_callback([](cancel_callback& self) noexcept {
        auto& waiting = static_cast<refusal&>(self).owner.waiting_;
        while (spawn_awaiter* next = waiting.front())
          next->wake_with(error(std::errc::operation_canceled, "spawn"));
      }),
      owner(of) {}

// --- spawning ---

nursery::spawn_awaiter nursery::spawn(task<void> body, std::source_location where) {
  return {*this, run_child(*this, std::move(body), where)};
}

nursery::spawn_awaiter nursery::spawn(task<result<>> body, std::source_location where) {
  return {*this, run_child(*this, std::move(body), where)};
}

bool nursery::try_spawn(task<void>&& body, std::source_location where) {
  return try_spawn_any(std::move(body), where);
}

bool nursery::try_spawn(task<result<>>&& body, std::source_location where) {
  return try_spawn_any(std::move(body), where);
}

template <class T>
bool nursery::try_spawn_any(task<T>&& body, const std::source_location& where) {
  if (is_full() || refuses()) return false;
  launch(run_child(*this, std::move(body), where));
  return true;
}

bool nursery::spawn_awaiter::is_settled() noexcept {
  if (nursery_.refuses()) {
    fail_with(error(std::errc::operation_canceled, "spawn"));
    return true;
  }
  if (!nursery_.is_full()) {
    nursery_.launch(std::move(child_));
    return true;
  }
  nursery_.waiting_.push_back(*this);
  wait();
  return false;
}

void nursery::launch(child&& unstarted) noexcept {
  if (running_++ == 0) loop::current()->add_owner(*this);
  std::exchange(unstarted.frame_, nullptr).promise().launch(scope_);
}

// --- the end of children ---

void nursery::child_failed(failure why) {
  if (why.is_cancelled() && scope_.is_requested()) return;
  ++failures_;
  if (options_.policy == nursery_policy::propagate) return deliver_or_report(std::move(why));
  report(why);
}

void nursery::report(const failure& why) const {
  if (options_.on_failure)
    options_.on_failure(why);
  else if (why.is_exception())
    std::fprintf(stderr, "weir: %s\n", why.report().c_str());
}

void nursery::fail_with(failure why) {
  if (why.is_cancelled() && scope_.is_requested()) return;
  deliver_or_report(std::move(why));
}

void nursery::deliver_or_report(failure why) {
  if (!first_failure_)
    first_failure_ = std::move(why);
  else
    report(why);
  scope_.request();
}

void nursery::child_ended() noexcept {
  if (--running_ == 0) task_owner::unlink();
  if (spawn_awaiter* next = waiting_.front()) {
    next->wake(); // first in, first out: who spawns goes on before the child starts, as without waiting
    launch(std::move(next->child_));
  } else if (running_ == 0 && joining_) {
    is_joined_ = true;
    std::exchange(joining_, nullptr)->wake();
  }
}

owned_tasks nursery::report_owned() const {
  std::size_t waiting = 0;
  for (const spawn_awaiter* each = waiting_.front(); each; each = waiting_.next(*each)) ++waiting;
  return {"nursery", where_, running_, options_.limit, waiting, scope_.is_requested(), &scope_};
}

nursery::join_awaiter nursery::join() noexcept {
  return join_awaiter(*this);
}

nursery::join_awaiter::join_awaiter(nursery& of) noexcept : waiter("join"), nursery_(of), forward_(of) {}

nursery::join_awaiter::forward::forward(nursery& to) noexcept
    : cancel_callback([](cancel_callback& self) noexcept { static_cast<forward&>(self).target.cancel(); }),
      target(to) {}

bool nursery::join_awaiter::is_settled(cancellation* scope) noexcept {
  assert(!nursery_.joining_ && "one join at a time");
  if (scope && scope->is_requested()) nursery_.cancel();
  if (nursery_.running_ == 0) return true;
  nursery_.joining_ = this;
  if (scope && !scope->is_requested()) scope->add(forward_);
  wait();
  return false;
}

result<> nursery::join_awaiter::await_resume() {
  forward_.unlink();
  nursery_.is_joined_ = false;
  if (!nursery_.first_failure_) return {};
  failure first = std::move(*nursery_.first_failure_);
  nursery_.first_failure_.reset();
  return std::move(first).deliver();
}

} // namespace weir
