// loop_seat: one loop of a group with its thread: started, pinned, named; carries out calls until it is asked
// to stop, then turns on until all loops of the group are drained, so that each can still answer the others.
#pragma once

#include <weir/async/event.hpp>
#include <weir/async/nursery.hpp>
#include <weir/async/task.hpp>
#include <weir/runtime/loop_group.hpp>

#include <atomic>
#include <condition_variable>
#include <mutex>
#include <optional>
#include <string>
#include <thread>

namespace weir {

class loop_seat {
 public:
  loop_seat(loop_group::state& of, unsigned index) : group_(of), index_(index) {}

  /// From the thread that makes the group. What goes wrong, the thread's start included, `wait_until_made`
  /// tells.
  void start() noexcept;
  result<> wait_until_made();
  void join() noexcept;

  /// Any thread, while the loop lives.
  loop& home() noexcept { return *loop_; }
  const loop_group::state& group() const noexcept { return group_; }
  void ask_to_stop() noexcept { post_once(stop_, stop_posted_); }
  void tell_that_all_are_drained() noexcept {
    if (loop_) loop_->post_answer(finish_);
  }
  /// What is outstanding on it, or that it does not answer.
  std::string describe(std::chrono::nanoseconds patience);

  /// On its thread: false when it is stopping, or carries out as many calls as it may.
  bool try_begin(task<>&& call);
  bool is_stopping() const noexcept { return is_stopping_; }

  static loop_seat* of_this_thread() noexcept;
  unsigned index() const noexcept { return index_; }

 private:
  struct step : work {
    step(loop_seat& of, function to_run) noexcept : work(to_run), owner(of) {}
    loop_seat& owner;
  };

  void main() noexcept;
  result<> take_place();
  void tell_made(result<> outcome) noexcept;
  void give_up(result<> why) noexcept;
  task<> attend();
  void note_description() noexcept;
  std::string name() const;
  void post_once(step& what, std::atomic<bool>& posted) noexcept {
    // In this order: who comes second may find the loop gone.
    if (!posted.exchange(true, std::memory_order_acq_rel) && loop_) loop_->post_answer(what);
  }

  loop_group::state& group_;
  unsigned index_;
  std::thread thread_;
  std::unique_ptr<loop> loop_;

  nursery* calls_ = nullptr; ///< of the loop's thread
  bool is_stopping_ = false;
  event stop_requested_{event_reset::manual};
  event all_drained_{event_reset::manual};
  step stop_{*this, [](work& self) noexcept { static_cast<step&>(self).owner.stop_requested_.set(); }};
  step finish_{*this, [](work& self) noexcept { static_cast<step&>(self).owner.all_drained_.set(); }};
  step describe_{*this, [](work& self) noexcept { static_cast<step&>(self).owner.note_description(); }};
  std::atomic<bool> stop_posted_{false};
  std::atomic<bool> describe_posted_{false};

  std::mutex mutex_;
  std::condition_variable changed_;
  std::optional<result<>> made_;
  std::string description_;
};

} // namespace weir
