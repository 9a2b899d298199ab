// broadcast<T>: each value that is sent reaches every subscriber, in the order of sending:
// `broadcast<price>::subscription mine(prices, subscription_options(16, at_bound::drop_oldest));`
//
// Each subscriber gets a copy, in a queue of its own; what is large is sent as a shared pointer. Bound: a
// subscriber's `count_max`; there its policy holds: `wait` makes senders wait, first come, first served;
// `drop_oldest` drops and counts; `disconnect` ends the subscription with errc::limit_reached behind what it
// holds. So only `wait` can slow the others down. A copy that throws, for want of memory, ends that
// subscription (std::errc::not_enough_memory) and no other. Without subscribers a value is gone when it is
// sent. Cancel-safe: a send that was cancelled has reached nobody, one that was admitted has reached all; a
// receive loses nothing. Errors besides: errc::closed, cancellation. Thread rule: the loop's thread; whoever
// is woken resumes in the deferred phase. Lifetime: outlives its subscriptions and senders (asserted); a
// subscription stays where it is made and outlives its receives.
#pragma once

#include <weir/async/channel.hpp>
#include <weir/async/waiter.hpp>
#include <weir/base/result.hpp>

#include <cassert>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <utility>

namespace weir {

enum class at_bound : std::uint8_t { wait, drop_oldest, disconnect };

struct subscription_options {
  explicit subscription_options(std::size_t values_max = 64, at_bound when_full = at_bound::wait) noexcept
      : count_max(values_max), policy(when_full) {}

  std::size_t count_max; ///< at least 1
  at_bound policy;
};

template <class T>
class broadcast {
 public:
  broadcast() = default;
  broadcast(const broadcast&) = delete;
  broadcast& operator=(const broadcast&) = delete;

  class subscription;
  class send_awaiter;

  /// `result<> sent = co_await prices.send(latest);` Waits while a subscriber that is waited for is full.
  send_awaiter send(T value) { return send_awaiter(*this, std::move(value)); }
  /// The same without waiting: std::errc::operation_would_block where it would have to.
  result<> try_send(const T& value) noexcept {
    if (is_closed_) return fail(errc::closed, "broadcast");
    if (!senders_.empty() || !has_room()) return fail(std::errc::operation_would_block, "broadcast");
    deliver(value);
    return {};
  }

  /// Nothing more can be sent: those who wait to send get errc::closed, subscribers the same when they have
  /// received what they hold.
  void close() noexcept {
    is_closed_ = true;
    while (send_awaiter* sender = senders_.front()) sender->wake_with(error(errc::closed, "broadcast"));
    for (subscription* each = subscribers_.front(); each; each = subscribers_.next(*each))
      each->queue_.close();
  }
  bool is_closed() const noexcept { return is_closed_; }

 private:
  bool has_room() const noexcept {
    for (subscription* each = subscribers_.front(); each; each = subscribers_.next(*each))
      if (each->holds_up()) return false;
    return true;
  }
  void deliver(const T& value) noexcept {
    for (subscription* each = subscribers_.front(); each; each = subscribers_.next(*each)) each->take(value);
  }
  void admit_senders() noexcept {
    while (!senders_.empty() && has_room()) {
      send_awaiter* sender = senders_.front();
      deliver(sender->value_);
      sender->wake();
    }
  }

  intrusive_list<subscription> subscribers_;
  intrusive_list<send_awaiter, waiter> senders_;
  bool is_closed_ = false;
};

template <class T>
class broadcast<T>::subscription : private list_hook<> {
 public:
  explicit subscription(broadcast& to, subscription_options options = subscription_options()) noexcept
      : broadcast_(to), options_(options), queue_(channel_options(options.count_max)) {
    if (to.is_closed_)
      queue_.close();
    else
      to.subscribers_.push_back(*this);
  }
  ~subscription() {
    list_hook<>::unlink();
    broadcast_.admit_senders(); // those who waited for this one
  }

  class receive_awaiter;

  /// `result<T> value = co_await mine.receive();` The next value, in the order of sending.
  receive_awaiter receive() noexcept { return receive_awaiter(*this); }

  std::size_t size() const noexcept { return queue_.size(); }
  /// Values that it has missed (drop_oldest).
  std::uint64_t dropped() const noexcept { return dropped_; }
  /// Why it gets no more although the broadcast goes on; empty while it does.
  const std::optional<error>& disconnected() const noexcept { return disconnected_; }

 private:
  friend class broadcast;
  friend class intrusive_list<subscription>;

  bool is_full() const noexcept { return queue_.size() >= options_.count_max; }
  bool holds_up() const noexcept { return options_.policy == at_bound::wait && is_full() && !disconnected_; }

  void take(const T& value) noexcept {
    if (disconnected_) return;
    if (is_full() && options_.policy == at_bound::disconnect)
      return disconnect(error(errc::limit_reached, "broadcast: subscriber too slow"));
    try {
      T copy(value);
      if (is_full()) drop_oldest();
      [[maybe_unused]] result<> queued = queue_.try_send(std::move(copy));
      assert(queued);
    } catch (...) {
      disconnect(error(std::errc::not_enough_memory, "broadcast"));
    }
  }
  void drop_oldest() noexcept {
    [[maybe_unused]] result<T> oldest = queue_.try_receive();
    ++dropped_;
  }
  void disconnect(error why) noexcept {
    disconnected_ = std::move(why);
    queue_.close();
  }

  broadcast& broadcast_;
  subscription_options options_;
  channel<T> queue_;
  std::uint64_t dropped_ = 0;
  std::optional<error> disconnected_;
};

template <class T>
class [[nodiscard]] broadcast<T>::subscription::receive_awaiter : public channel<T>::receive_awaiter {
 public:
  explicit receive_awaiter(subscription& from) noexcept
      : channel<T>::receive_awaiter(from.queue_), subscription_(from) {}

  result<T> await_resume() noexcept {
    result<T> value = channel<T>::receive_awaiter::await_resume();
    if (value)
      subscription_.broadcast_.admit_senders();
    else if (value.error() == errc::closed)
      value = fail(subscription_.disconnected_.value_or(error(errc::closed, "broadcast")));
    return value;
  }

 private:
  subscription& subscription_;
};

template <class T>
class [[nodiscard]] broadcast<T>::send_awaiter : public waiter {
 public:
  send_awaiter(broadcast& to, T&& value) noexcept
      : waiter("broadcast"), broadcast_(to), value_(std::move(value)) {}

  template <class Promise>
  bool await_suspend(std::coroutine_handle<Promise> awaiting) noexcept {
    if (!this->enter(awaiting)) return false;
    const result<> sent = broadcast_.try_send(value_);
    if (sent) return false;
    if (sent.error() == errc::closed) {
      this->fail_with(sent.error());
      return false;
    }
    broadcast_.senders_.push_back(*this);
    this->wait();
    return true;
  }
  result<> await_resume() noexcept { return this->outcome(); }

 private:
  friend class broadcast;
  broadcast& broadcast_;
  T value_;
};

} // namespace weir
