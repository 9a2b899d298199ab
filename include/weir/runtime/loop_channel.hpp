// loop_channel<T>: a bounded queue from any number of loops to one, awaited on both sides:
//
//   loop_channel<job> jobs(256);
//   auto out = jobs.make_sender();     // on a loop that sends     result<> sent = co_await out.send(job(1));
//   auto in = jobs.make_receiver();    // on the one that receives result<job> next = co_await in.receive();
//
// Values of one sender arrive in their order. No lock and no system call while both sides keep up: the other
// loop is woken only when somebody waits there (doorbell.hpp). Values travel between threads: they must not
// hold a lease, a stream or a task, which belong to a loop; descriptors and plain values may.
//
// Bound: `capacity`, rounded up to a power of two; senders wait in line, loop by loop, and go on when half is
// taken. Memory: all of it at once; nothing is allocated in steady state. Cancel-safe, both ways: `send`
// leaves the value untouched unless it succeeds; what was handed to a receiver is delivered. Errors:
// errc::closed, cancellation. After `close` what is inside is still received; a receiver that dies closes.
// Thread rule: the channel belongs to no thread; a sender or receiver to the loop on which it was made, and
// with all who wait on it. Lifetime: the ends keep the queue alive; who waits leaves before its end does
// (asserted); the loop of an end outlives it by a turn (loop_group sees to that). One receiver in the life of
// a channel.
#pragma once

#include <weir/async/waiter.hpp>
#include <weir/base/intrusive.hpp>
#include <weir/base/result.hpp>
#include <weir/runtime/doorbell.hpp>
#include <weir/runtime/mpsc_ring.hpp>

#include <atomic>
#include <cassert>
#include <memory>
#include <mutex>
#include <optional>
#include <utility>

namespace weir {

template <class T>
class loop_channel {
  struct outlet;
  struct queue;

 public:
  explicit loop_channel(std::size_t capacity = 256) : queue_(std::make_shared<queue>(capacity)) {}

  class sender;
  class receiver;
  class send_awaiter;
  class receive_awaiter;

  /// On the loop that is to use it. Any number.
  sender make_sender() const { return sender(std::make_unique<outlet>(queue_)); }
  /// The same; once.
  receiver make_receiver() const {
    queue_->open_inlet();
    return receiver(queue_);
  }

  /// Any thread: nothing more can be sent; who waits to send gets errc::closed.
  void close() const noexcept { queue_->close(); }
  /// Any thread: values inside, for the moment.
  std::size_t size() const noexcept { return queue_->values.size(); }
  std::size_t capacity() const noexcept { return queue_->values.capacity(); }

 private:
  std::shared_ptr<queue> queue_;
};

/// What all ends share, and the receiving side.
template <class T>
struct loop_channel<T>::queue : doorbell, std::enable_shared_from_this<queue> {
  explicit queue(std::size_t capacity)
      : doorbell([](doorbell& self) noexcept { static_cast<queue&>(self).rung(); }), values(capacity) {}

  void open_inlet() {
    assert(!is_received_ && "a channel has one receiver in its life");
    assert(loop::current() && "the ends of a channel are made on their loops");
    is_received_ = true;
    this->install(*loop::current());
  }
  void close_inlet() noexcept {
    assert(receivers.empty() && "a receiver was left before those who wait on it");
    close(); // there will be no other: who sends must not wait for ever
    if (!this->leave()) leaving_ = this->shared_from_this();
  }

  std::optional<T> take() noexcept {
    std::optional<T> value = values.pop();
    // All senders at once, and not for each value: those who wait in several loops share what is free.
    if (value && outlets_waiting.load(std::memory_order_seq_cst) != 0 &&
        values.size() <= values.capacity() / 2)
      ring_outlets();
    return value;
  }

  /// After `listen`: gives those who wait what there is.
  void serve() noexcept {
    while (receive_awaiter* first = receivers.front()) {
      if (std::optional<T> value = take()) {
        first->value_ = std::move(value);
        first->wake();
      } else if (values.has_ended()) {
        first->wake_with(error(errc::closed, "receive"));
      } else {
        return;
      }
    }
    this->silence();
  }

  void close() noexcept {
    values.close();
    this->ring_bell();
    ring_outlets();
  }
  void ring_bell() noexcept { doorbell::ring(); }
  void ring_outlets() noexcept {
    const std::lock_guard lock(outlets_mutex);
    for (outlet* each = outlets.front(); each; each = outlets.next(*each)) each->bell.ring();
  }

  mpsc_ring<T> values;
  intrusive_list<receive_awaiter, waiter> receivers;
  std::atomic<unsigned> outlets_waiting{0}; ///< senders' loops on which somebody waits
  std::mutex outlets_mutex;                 ///< never taken while both sides keep up
  intrusive_list<outlet, outlet> outlets;

 private:
  void rung() noexcept {
    if (leaving_) {
      const std::shared_ptr<queue> last = std::move(leaving_); // may be the last owner
      return;
    }
    if (receivers.empty()) return;
    this->listen();
    serve();
  }

  std::shared_ptr<queue> leaving_;
  bool is_received_ = false;
};

/// The sending side on one loop. Lives until no ring is on its way to it.
template <class T>
struct loop_channel<T>::outlet : list_hook<outlet> {
  explicit outlet(std::shared_ptr<queue> to)
      : into(std::move(to)),
        bell(*this, [](doorbell& self) noexcept { static_cast<owned_bell&>(self).owner.rung(); }) {
    assert(loop::current() && "the ends of a channel are made on their loops");
    bell.install(*loop::current());
    const std::lock_guard lock(into->outlets_mutex);
    into->outlets.push_back(*this);
  }
  ~outlet() { assert(senders.empty() && "a sender was left before those who wait on it"); }

  static void abandon(outlet* orphan) noexcept {
    {
      const std::lock_guard lock(orphan->into->outlets_mutex);
      orphan->list_hook<outlet>::unlink(); // nobody rings any more
    }
    orphan->set_waiting(false);
    orphan->is_abandoned_ = true;
    if (orphan->bell.leave()) delete orphan;
  }

  /// False where the value has to wait.
  bool try_push(T& value) noexcept {
    const bool is_pushed = into->values.push(value) == push_outcome::pushed;
    if (is_pushed) into->ring_bell();
    return is_pushed;
  }

  /// Somebody waits, or did: sends for those who wait as long as there is room.
  void serve() noexcept {
    while (send_awaiter* next = senders.front()) {
      if (try_push(next->value_)) {
        next->wake();
      } else if (into->values.is_closed()) {
        next->wake_with(error(errc::closed, "send"));
      } else {
        return;
      }
    }
    bell.silence();
    set_waiting(false);
  }
  void wait_for_room() noexcept {
    set_waiting(true);
    bell.listen();
    serve();
  }

  struct owned_bell : doorbell {
    owned_bell(outlet& of, doorbell::function on_ring) noexcept : doorbell(on_ring), owner(of) {}
    outlet& owner;
  };

  std::shared_ptr<queue> into;
  owned_bell bell;
  intrusive_list<send_awaiter, waiter> senders;

 private:
  void rung() noexcept {
    if (is_abandoned_) {
      delete this;
    } else {
      bell.listen();
      serve();
    }
  }
  void set_waiting(bool wanted) noexcept {
    if (std::exchange(is_waiting_, wanted) == wanted) return;
    if (wanted)
      into->outlets_waiting.fetch_add(1, std::memory_order_seq_cst);
    else
      into->outlets_waiting.fetch_sub(1, std::memory_order_seq_cst);
  }

  bool is_waiting_ = false;
  bool is_abandoned_ = false;
};

template <class T>
class [[nodiscard]] loop_channel<T>::send_awaiter : public waiter {
 public:
  send_awaiter(outlet& through, T& value) noexcept : waiter("send"), outlet_(through), value_(value) {}

  template <class Promise>
  bool await_suspend(std::coroutine_handle<Promise> awaiting) noexcept {
    if (!this->enter(awaiting)) return false;
    if (outlet_.senders.empty() && outlet_.try_push(value_)) return false;
    outlet_.senders.push_back(*this);
    this->wait();
    outlet_.wait_for_room();
    return true;
  }
  result<> await_resume() noexcept { return this->outcome(); }

 private:
  friend struct outlet;
  outlet& outlet_;
  T& value_; ///< the sender's own, until it succeeds
};

template <class T>
class [[nodiscard]] loop_channel<T>::receive_awaiter : public waiter {
 public:
  explicit receive_awaiter(queue& from) noexcept : waiter("receive"), queue_(from) {}

  template <class Promise>
  bool await_suspend(std::coroutine_handle<Promise> awaiting) noexcept {
    if (!this->enter(awaiting)) return false;
    if (queue_.receivers.empty() && (value_ = queue_.take())) return false;
    queue_.receivers.push_back(*this);
    this->wait();
    queue_.listen();
    queue_.serve();
    return true;
  }
  result<T> await_resume() noexcept {
    if (this->has_failed()) return this->take_failure();
    return std::move(*value_);
  }

 private:
  friend struct queue;
  queue& queue_;
  std::optional<T> value_;
};

template <class T>
class loop_channel<T>::sender {
 public:
  /// `result<> sent = co_await out.send(std::move(value));` Waits while the channel is full.
  send_awaiter send(T&& value) noexcept { return send_awaiter(*outlet_, value); }
  /// The same without waiting: std::errc::operation_would_block where it would have to.
  result<> try_send(T&& value) noexcept {
    if (outlet_->senders.empty() && outlet_->try_push(value)) return {};
    if (outlet_->into->values.is_closed()) return fail(errc::closed, "send");
    return fail(std::errc::operation_would_block, "send");
  }
  void close() noexcept { outlet_->into->close(); }

 private:
  friend class loop_channel;
  struct abandon {
    void operator()(outlet* orphan) const noexcept { outlet::abandon(orphan); }
  };
  explicit sender(std::unique_ptr<outlet> made) noexcept : outlet_(made.release()) {}
  std::unique_ptr<outlet, abandon> outlet_;
};

template <class T>
class loop_channel<T>::receiver {
 public:
  /// `result<T> next = co_await in.receive();` errc::closed when it was closed and everything is taken.
  receive_awaiter receive() noexcept { return receive_awaiter(*queue_); }
  /// The same without waiting: std::errc::operation_would_block where it would have to.
  result<T> try_receive() noexcept {
    if (std::optional<T> value = queue_->take()) return std::move(*value);
    if (queue_->values.has_ended()) return fail(errc::closed, "receive");
    return fail(std::errc::operation_would_block, "receive");
  }
  void close() noexcept { queue_->close(); }

 private:
  friend class loop_channel;
  struct leave {
    std::shared_ptr<queue> keeper;
    void operator()(queue* left) const noexcept { left->close_inlet(); }
  };
  explicit receiver(const std::shared_ptr<queue>& of) noexcept : queue_(of.get(), leave{of}) {}
  std::unique_ptr<queue, leave> queue_;
};

} // namespace weir
