// channel<T>: a bounded queue between coroutines of one loop, first in, first out.
//
// Bound: `count_max` values and `bytes_max` bytes; what would exceed either waits in line, first come, first
// served. A value larger than `bytes_max` passes when the channel is empty. Memory grows with use up to the
// bound and is kept: nothing is allocated in steady state. Cancel-safe, both ways: `send` leaves the value
// untouched unless it succeeds; `receive` loses none: a value that was handed over is delivered, whatever is
// cancelled afterwards. Errors: errc::closed, cancellation. Thread rule: the loop's thread; whoever is woken
// resumes in the deferred phase. Lifetime: outlives those who wait on it (asserted).
#pragma once

#include <weir/async/waiter.hpp>
#include <weir/base/result.hpp>
#include <weir/base/ring.hpp>

#include <cassert>
#include <cstddef>
#include <limits>
#include <new>
#include <optional>
#include <utility>

namespace weir {

struct channel_options {
  explicit channel_options(std::size_t values_max = 64,
                           std::size_t bytes_in_values_max = std::numeric_limits<std::size_t>::max()) noexcept
      : count_max(values_max), bytes_max(bytes_in_values_max) {}

  std::size_t count_max; ///< at least 1
  std::size_t bytes_max; ///< needs a size function
};

/// Told once, when a value has come that nobody received directly, or the channel was closed: how select
/// waits.
class channel_watcher : public list_hook<channel_watcher> {
 public:
  using function = void (*)(channel_watcher& self) noexcept;
  explicit channel_watcher(function on_change) noexcept : on_change_(on_change) {}
  ~channel_watcher() { unlink(); }

 private:
  template <class>
  friend class channel;
  function on_change_;
};

template <class T>
class channel {
 public:
  /// How many bytes a value counts for; must give the same for a value as long as it is in the channel.
  using size_function = std::size_t (*)(const T& value) noexcept;

  explicit channel(channel_options options = channel_options(), size_function size_of = nullptr) noexcept
      : options_(options), size_of_(size_of) {
    assert(options_.count_max > 0);
  }
  channel(const channel&) = delete;
  channel& operator=(const channel&) = delete;

  class send_awaiter;
  class receive_awaiter;

  /// `result<> sent = co_await work.send(std::move(value));` Waits while the channel is full.
  send_awaiter send(T&& value) noexcept { return send_awaiter(*this, std::move(value)); }
  /// `result<T> value = co_await work.receive();` errc::closed when it was closed and everything is taken.
  receive_awaiter receive() noexcept { return receive_awaiter(*this); }

  /// The same without waiting: std::errc::operation_would_block where they would have to.
  result<> try_send(T&& value) {
    if (is_closed_) return fail(errc::closed, "send");
    if (!try_put(value)) return fail(std::errc::operation_would_block, "send");
    return {};
  }
  result<T> try_receive() {
    if (!values_.empty()) return take();
    if (is_closed_) return fail(errc::closed, "receive");
    return fail(std::errc::operation_would_block, "receive");
  }

  /// Nothing more can be sent: those who wait to send get errc::closed, what is inside can still be received.
  void close() noexcept {
    is_closed_ = true;
    while (send_awaiter* sender = senders_.front()) sender->wake_with(error(errc::closed, "send"));
    while (receive_awaiter* receiver = receivers_.front())
      receiver->wake_with(error(errc::closed, "receive"));
    tell_watchers();
  }

  /// Tells `watcher` of the next change, unless it leaves before. It must not resume a coroutine.
  void watch(channel_watcher& watcher) noexcept { watchers_.push_back(watcher); }

  bool is_closed() const noexcept { return is_closed_; }
  bool empty() const noexcept { return values_.empty(); }
  std::size_t size() const noexcept { return values_.size(); }
  std::size_t size_bytes() const noexcept { return bytes_; }

 private:
  std::size_t bytes_of(const T& value) const noexcept { return size_of_ ? size_of_(value) : 0; }

  bool fits(const T& value) const noexcept {
    if (values_.empty()) return true;
    return values_.size() < options_.count_max && bytes_of(value) <= options_.bytes_max &&
           bytes_ <= options_.bytes_max - bytes_of(value);
  }

  /// Moves the value to whoever waits for one, or into the queue; false where it must wait behind others.
  bool try_put(T& value) {
    if (receive_awaiter* receiver = receivers_.front()) {
      receiver->value_.emplace(std::move(value));
      receiver->wake();
      return true;
    }
    if (!senders_.empty() || !fits(value)) return false;
    put(value);
    return true;
  }
  void put(T& value) {
    const std::size_t value_bytes = bytes_of(value);
    values_.push_back(std::move(value));
    bytes_ += value_bytes;
    tell_watchers();
  }
  void tell_watchers() noexcept {
    while (channel_watcher* next = watchers_.pop_front()) next->on_change_(*next);
  }

  T take() noexcept {
    bytes_ -= bytes_of(values_.front());
    T value = values_.pop_front();
    admit_senders();
    return value;
  }
  void admit_senders() noexcept {
    while (send_awaiter* sender = senders_.front()) {
      if (!fits(sender->value_)) return;
      try {
        put(sender->value_);
      } catch (const std::bad_alloc&) {
        return; // the queue is not empty then: the next receive tries again
      }
      sender->wake();
    }
  }

  channel_options options_;
  size_function size_of_;
  ring<T> values_;
  std::size_t bytes_ = 0;
  intrusive_list<send_awaiter, waiter> senders_;
  intrusive_list<receive_awaiter, waiter> receivers_; ///< only while there are no values
  intrusive_list<channel_watcher, channel_watcher> watchers_;
  bool is_closed_ = false;
};

template <class T>
class [[nodiscard]] channel<T>::send_awaiter : public waiter {
 public:
  send_awaiter(channel& into, T&& value) noexcept : waiter("send"), channel_(into), value_(value) {}

  template <class Promise>
  bool await_suspend(std::coroutine_handle<Promise> awaiting) {
    if (!this->enter(awaiting)) return false;
    if (channel_.is_closed_) {
      this->fail_with(error(errc::closed, "send"));
      return false;
    }
    if (channel_.try_put(value_)) return false;
    channel_.senders_.push_back(*this);
    this->wait();
    return true;
  }
  result<> await_resume() noexcept { return this->outcome(); }

 private:
  friend class channel;
  channel& channel_;
  T& value_; ///< the sender's own, until it succeeds
};

template <class T>
class [[nodiscard]] channel<T>::receive_awaiter : public waiter {
 public:
  explicit receive_awaiter(channel& from) noexcept : waiter("receive"), channel_(from) {}

  template <class Promise>
  bool await_suspend(std::coroutine_handle<Promise> awaiting) noexcept {
    if (!this->enter(awaiting)) return false;
    if (!channel_.values_.empty()) {
      value_.emplace(channel_.take());
      return false;
    }
    if (channel_.is_closed_) {
      this->fail_with(error(errc::closed, "receive"));
      return false;
    }
    channel_.receivers_.push_back(*this);
    this->wait();
    return true;
  }
  result<T> await_resume() noexcept {
    if (this->has_failed()) return this->take_failure();
    return std::move(*value_);
  }

 private:
  friend class channel;
  channel& channel_;
  std::optional<T> value_;
};

} // namespace weir
