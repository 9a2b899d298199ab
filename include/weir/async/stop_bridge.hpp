// stop_bridge: cancellation across the border between weir and senders, in both directions. A `cancellation`
// belongs to its loop; a stop token may be asked, and may ask, on any thread.
//
//   stop_forwarder     a foreign stop token's request becomes one of a scope, on the loop's thread
//   scope_stop_source  a scope's request becomes one of the stop tokens that foreign senders are given
//
// Part of senders.hpp, whose contract is theirs. Bound: no memory of their own, no allocation.
#pragma once

#include <weir/base/intrusive.hpp>
#include <weir/io/cancellation.hpp>
#include <weir/io/loop.hpp>
#include <weir/io/work.hpp>

#include <atomic>
#include <condition_variable>
#include <mutex>
#include <optional>
#include <stop_token>
#include <thread>
#include <type_traits>
#include <utility>

namespace weir {

template <class Token, class Callback>
struct stop_callback_of {
  using type = typename Token::template callback_type<Callback>;
};
template <class Callback>
struct stop_callback_of<std::stop_token, Callback> { // whose C++20 form does not name it
  using type = std::stop_callback<Callback>;
};

/// Forwards the request of a token to a scope. One made on another thread passes the loop's inbox, also when
/// that is full.
template <class Token>
class stop_forwarder : private work {
 public:
  using function = void (*)(stop_forwarder& self) noexcept;

  /// `detached` is called when a request was still under way at `detach`.
  stop_forwarder(cancellation& to, function detached) noexcept
      : work([](work& self) noexcept { static_cast<stop_forwarder&>(self).arrived(); }), scope_(to),
        detached_(detached) {}

  /// On the loop's thread. The loop does not end before `detach`.
  void attach(Token token, loop& on) noexcept {
    loop_ = &on;
    if (!token.stop_possible()) return;
    loop_->expect_answer();
    callback_.emplace(std::move(token), request_stop{this});
  }

  /// On the loop's thread. False: a request is under way, and `detached` will be called when it has come.
  bool detach() noexcept {
    if (!callback_) return true;
    callback_.reset(); // waits for a callback that runs on another thread
    if (is_posted_.load(std::memory_order_acquire)) {
      is_detaching_ = true;
      return false;
    }
    loop_->answer_taken();
    return true;
  }

 private:
  struct request_stop {
    stop_forwarder* self;
    void operator()() const noexcept { self->requested(); }
  };

  void requested() noexcept {
    if (loop::current() == loop_) return scope_.request();
    is_posted_.store(true, std::memory_order_release);
    loop_->post_answer(*this);
  }
  void arrived() noexcept {
    is_posted_.store(false, std::memory_order_relaxed);
    if (!is_detaching_) return scope_.request();
    loop_->answer_taken();
    detached_(*this);
  }

  cancellation& scope_;
  function detached_;
  loop* loop_ = nullptr;
  std::optional<typename stop_callback_of<Token, request_stop>::type> callback_;
  std::atomic<bool> is_posted_{false};
  bool is_detaching_ = false;
};

/// The source of stop tokens that ask on the loop's thread, and whose callbacks come and go on any
/// ([stoptoken.concepts] of C++26). Lifetime: outlives its tokens and callbacks.
class scope_stop_source {
 public:
  class token;
  template <class Callback>
  class callback;

  scope_stop_source() = default;
  scope_stop_source(const scope_stop_source&) = delete;
  scope_stop_source& operator=(const scope_stop_source&) = delete;

  /// Runs every callback once, on this thread. The second request does nothing.
  void request() noexcept;
  bool is_requested() const noexcept { return requested_.load(std::memory_order_acquire); }

 private:
  class callback_base : public list_hook<> {
   public:
    using function = void (*)(callback_base& self) noexcept;

   protected:
    explicit callback_base(function on_request) noexcept : run_(on_request) {}

   private:
    friend class scope_stop_source;
    function run_;
  };

  /// False: it was requested before, and the callback was not added.
  bool add(callback_base& which) noexcept;
  /// Afterwards it neither runs nor will.
  void remove(callback_base& which) noexcept;

  std::mutex lock_;
  std::condition_variable ended_;
  intrusive_list<callback_base> callbacks_;
  callback_base* running_ = nullptr; ///< null again when it has run, or has removed itself
  std::thread::id runs_on_;
  std::atomic<bool> requested_{false};
};

class scope_stop_source::token {
 public:
  template <class Callback>
  using callback_type = scope_stop_source::callback<Callback>;

  token() noexcept = default;
  explicit token(scope_stop_source& of) noexcept : source_(&of) {}

  bool stop_requested() const noexcept { return source_ && source_->is_requested(); }
  bool stop_possible() const noexcept { return source_ != nullptr; }
  bool operator==(const token&) const noexcept = default;

 private:
  template <class Callback>
  friend class scope_stop_source::callback;
  scope_stop_source* source_ = nullptr; ///< null: never
};

template <class Callback>
class scope_stop_source::callback : private callback_base {
 public:
  using callback_type = Callback;

  template <class Initializer>
  explicit callback(token of,
                    Initializer&& to_call) noexcept(std::is_nothrow_constructible_v<Callback, Initializer>)
      : callback_base([](callback_base& self) noexcept {
          std::forward<Callback>(static_cast<callback&>(self).call_)();
        }),
        call_(std::forward<Initializer>(to_call)), source_(of.source_) {
    if (!source_ || source_->add(*this)) return;
    source_ = nullptr;
    std::forward<Callback>(call_)();
  }
  callback(const callback&) = delete;
  callback& operator=(const callback&) = delete;
  ~callback() {
    if (source_) source_->remove(*this);
  }

 private:
  Callback call_;
  scope_stop_source* source_;
};

inline void scope_stop_source::request() noexcept {
  std::unique_lock guard(lock_);
  if (requested_.exchange(true, std::memory_order_acq_rel)) return;
  runs_on_ = std::this_thread::get_id();
  while (callback_base* next = callbacks_.pop_front()) {
    running_ = next;
    guard.unlock();
    next->run_(*next); // may remove itself and be gone
    guard.lock();
    running_ = nullptr;
    ended_.notify_all();
  }
}

inline bool scope_stop_source::add(callback_base& which) noexcept {
  const std::lock_guard guard(lock_);
  if (is_requested()) return false;
  callbacks_.push_back(which);
  return true;
}

inline void scope_stop_source::remove(callback_base& which) noexcept {
  std::unique_lock guard(lock_);
  which.unlink();
  if (running_ != &which || runs_on_ == std::this_thread::get_id()) return;
  ended_.wait(guard, [&] { return running_ != &which; });
}

} // namespace weir
