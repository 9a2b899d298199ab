// A channel and a semaphore of one loop are linearizable: every call seems to have happened at one moment
// between its beginning and its end.
//
// Senders and receivers use one channel, waiting, trying, or giving up after a random time; values are
// numbered. Rules, for a queue with distinct values (Henzinger, Sezgin and Vafeiadis, "Aspect-Oriented
// Linearizability Proofs", 2013):
//   1. What was received was sent before; nothing is received twice; what a send says it took is received or
//      left inside; what a send says it did not take is neither.
//   2. If the send of one value ended before that of another began, it is received no later.
//   3. A try that found the channel empty, or full, was right at some moment of the call.
//   4. The channel holds no more than its bound.
// And for the semaphore: never more permits out than there are, granted in the order of asking, all back at
// the end.
#include "scenarios.hpp"

#include <weir/async/channel.hpp>
#include <weir/async/semaphore.hpp>
#include <weir/async/sleep.hpp>
#include <weir/async/when_all.hpp>
#include <weir/async/with_deadline.hpp>
#include <weir/async/yield.hpp>
#include <weir/io/loop.hpp>
#include <weir/sim/hosts_run.hpp>

#include <chrono>
#include <cstddef>
#include <vector>

namespace weir::scenarios {
namespace {

using std::chrono::nanoseconds;

/// When what happened to each value: on a counter that goes on with every event of the run.
struct value_history {
  std::uint64_t send_began = 0;
  std::uint64_t send_ended = 0;
  std::uint64_t receive_began = 0;
  std::uint64_t receive_ended = 0;
  bool is_taken = false; ///< says the send
  bool is_received = false;
};

class channels_run final : public sim::hosts_run {
 public:
  explicit channels_run(sim::world& in)
      : hosts_run(in), capacity_(in.random().between(1, 4)), seats_count_(in.random().between(1, 3)),
        numbers_(channel_options(capacity_)), seats_(seats_count_) {
    add_host("loop").start([this](sim::host&) { return main(); });
  }

  void check_end() override {
    check_values();
    demand(seats_.available() == seats_count_, "a permit is missing at the end");
    demand(holders_ == 0, "somebody holds a permit still");
  }

 private:
  static constexpr int senders = 4, receivers = 3, sends_each = 40;

  task<> main() {
    co_await when_all(send_all(), receive_all(), sit_all());
    note(values_.size(), numbers_.size());
  }

  task<> send_all() {
    std::vector<task<>> all;
    for (int i = 0; i < senders; ++i) all.push_back(sender());
    co_await when_all(std::move(all));
    numbers_.close();
  }
  task<> receive_all() {
    std::vector<task<>> all;
    for (int i = 0; i < receivers; ++i) all.push_back(receiver());
    co_await when_all(std::move(all));
  }
  task<> sit_all() {
    std::vector<task<>> all;
    for (int i = 0; i < 6; ++i) all.push_back(sitter());
    co_await when_all(std::move(all));
  }

  nanoseconds drawn_duration() { return nanoseconds(draw().below(std::uint64_t{1000} << draw().below(16))); }

  task<> pause() {
    const std::uint64_t way = draw().below(4);
    if (way == 0) {
      [[maybe_unused]] result<> slept = co_await sleep_for(drawn_duration());
    } else if (way == 1) {
      [[maybe_unused]] result<> passed = co_await yield();
    }
  }

  // --- the channel ---

  task<> sender() {
    for (int i = 0; i < sends_each; ++i) {
      co_await pause();
      const std::size_t number = values_.size();
      values_.emplace_back().send_began = ++clock_;
      result<> sent;
      if (const std::uint64_t way = draw().below(4); way == 0) {
        const bool was_full = numbers_.size() >= capacity_;
        sent = numbers_.try_send(std::size_t(number));
        demand(sent || sends_waiting_ > 0 || was_full, "3: a try to send found no room, and there was some");
      } else if (way == 1) {
        sent = co_await with_deadline(drawn_duration(), send(number));
      } else {
        sent = co_await send(number);
        demand(sent.has_value(), "1: a send failed that nobody cancelled, and the channel is open");
      }
      values_[number].send_ended = ++clock_;
      values_[number].is_taken = sent.has_value();
      demand(numbers_.size() <= capacity_, "4: the channel holds more than its bound");
      note(number, 0, sent ? 1 : 0);
    }
  }
  task<result<>> send(std::size_t number) {
    ++sends_waiting_;
    std::size_t value = number;
    result<> sent = co_await numbers_.send(std::move(value));
    --sends_waiting_;
    co_return sent;
  }

  task<> receiver() {
    for (;;) {
      co_await pause();
      const std::uint64_t began = ++clock_;
      result<std::size_t> value = fail(std::errc::operation_would_block);
      if (const std::uint64_t way = draw().below(4); way == 0) {
        const bool was_empty = numbers_.empty();
        value = numbers_.try_receive();
        demand(value || was_empty, "3: a try to receive found nothing, and there was something");
      } else if (way == 1) {
        value = co_await with_deadline(drawn_duration(), receive());
      } else {
        value = co_await receive();
      }
      if (!value && value.error() == errc::closed) break;
      if (!value) continue;
      received(*value, began);
    }
    demand(numbers_.empty(), "1: the channel says that it is closed and empty, and is not");
  }
  task<result<std::size_t>> receive() { co_return co_await numbers_.receive(); }

  void received(std::size_t number, std::uint64_t began) {
    demand(number < values_.size(), "1: a value was received that nobody sent");
    if (number >= values_.size()) return;
    value_history& value = values_[number];
    demand(!value.is_received, "1: a value was received twice");
    value.is_received = true;
    value.receive_began = began;
    value.receive_ended = ++clock_;
    note(number, 1);
  }

  void check_values() {
    for (const value_history& each : values_) {
      if (each.is_taken) demand(each.is_received, "1: a value was taken and never received");
      if (!each.is_taken) demand(!each.is_received, "1: a value was received that its send did not give");
      if (each.is_received)
        demand(each.send_began < each.receive_ended, "1: a value was received before it was sent");
    }
    for (const value_history& one : values_)
      for (const value_history& other : values_)
        if (one.is_received && other.is_received && one.send_ended < other.send_began)
          demand(one.receive_began < other.receive_ended, "2: a value overtook one that was sent before it");
  }

  // --- the semaphore ---

  task<> sitter() {
    for (int i = 0; i < 20; ++i) {
      co_await pause();
      const std::uint64_t ticket = ++asked_;
      const bool must_wait = seats_.available() == 0;
      const bool gives_up = draw().chance(300'000);
      result<semaphore::permit> seat = fail(std::errc::operation_would_block);
      if (gives_up)
        seat = co_await with_deadline(drawn_duration(), acquire());
      else
        seat = co_await acquire();
      if (!seat) continue;
      if (must_wait) { // who need not is not in the line, and may run before one who was woken in it
        demand(ticket > last_served_, "somebody in the line was given a permit before one in front of him");
        last_served_ = ticket;
      }
      ++holders_;
      demand(holders_ <= seats_count_, "more permits are out than there are");
      [[maybe_unused]] result<> slept = co_await sleep_for(drawn_duration());
      --holders_;
    }
  }
  task<result<semaphore::permit>> acquire() { co_return co_await seats_.acquire(); }

  std::size_t capacity_;
  std::size_t seats_count_;
  channel<std::size_t> numbers_;
  semaphore seats_;
  std::vector<value_history> values_;
  std::uint64_t clock_ = 0;
  std::size_t sends_waiting_ = 0;
  std::uint64_t asked_ = 0;
  std::uint64_t last_served_ = 0;
  std::size_t holders_ = 0;
};

} // namespace

constinit const sim::scenario channels{"channels",
                                       "a channel and a semaphore are linearizable, cancellations included",
                                       sim::begin_run<channels_run>};

} // namespace weir::scenarios
