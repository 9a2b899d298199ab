#include "loop_seat.hpp"

#include "loop_group_state.hpp"

#include <weir/async/run.hpp>
#include <weir/async/sleep.hpp>

#include <pthread.h>
#include <sched.h>

#include <chrono>
#include <exception>
#include <new>
#include <system_error>

namespace weir {
namespace {

thread_local loop_seat* seat_of_thread = nullptr;

} // namespace

loop_seat* loop_seat::of_this_thread() noexcept {
  return seat_of_thread;
}

void loop_seat::start() noexcept {
  result<> started;
  try {
    thread_ = std::thread([this] { main(); });
  } catch (const std::system_error& why) {
    started = fail(error(why.code(), "thread of a loop"));
  } catch (const std::bad_alloc&) {
    started = fail(std::errc::not_enough_memory, "thread of a loop");
  }
  if (!started) give_up(std::move(started));
}

/// Without a loop. The last touch is that of the group.
void loop_seat::give_up(result<> why) noexcept {
  group_.leave();
  tell_made(std::move(why));
}

result<> loop_seat::wait_until_made() {
  std::unique_lock lock(mutex_);
  changed_.wait(lock, [this] { return made_.has_value(); });
  return *made_;
}

void loop_seat::tell_made(result<> outcome) noexcept {
  const std::lock_guard lock(mutex_);
  made_ = std::move(outcome);
  changed_.notify_one();
}

void loop_seat::join() noexcept {
  if (thread_.joinable()) thread_.join();
}

// --- on the loop's thread ---

void loop_seat::main() noexcept {
  seat_of_thread = this;
  result<> placed;
  try {
    placed = take_place();
    if (placed) run(*loop_, attend());
  } catch (const std::bad_alloc&) { // before it attends: then nothing needs memory
    placed = fail(std::errc::not_enough_memory, "loop of a group");
  } catch (const std::exception&) { // nor with options that cannot work
    placed = fail(errc::invalid_argument, "loop of a group");
  }
  loop_.reset();
  if (!placed) give_up(std::move(placed));
  group_.seat_ended();
}

result<> loop_seat::take_place() {
  pthread_setname_np(pthread_self(), name().substr(0, 15).c_str()); // comm: 15 characters (prctl(2))
  if (!group_.cores.empty()) {
    cpu_set_t own;
    CPU_ZERO(&own);
    CPU_SET(group_.cores[index_ % group_.cores.size()], &own);
    if (const int failed = pthread_setaffinity_np(pthread_self(), sizeof own, &own); failed != 0)
      return fail(error::from_errno(failed, "pthread_setaffinity_np").at(name()));
  }
  // Behind the pinning: its memory comes from where the thread runs.
  result<std::unique_ptr<loop>> made = loop::create(group_.options.loop);
  if (!made) return fail(std::move(made).error().at(name()));
  loop_ = std::move(*made);
  return {};
}

task<> loop_seat::attend() {
  nursery calls(nursery_options(group_.options.calls_max, nursery_policy::isolate));
  calls_ = &calls;
  tell_made({});
  [[maybe_unused]] result<> told = co_await stop_requested_.wait();
  is_stopping_ = true;
  calls.cancel();
  [[maybe_unused]] result<> joined = co_await calls.join();
  calls_ = nullptr;
  // What calls dropped, such as streams, closes on its own within a few turns.
  while (loop_->outstanding() > 0) {
    [[maybe_unused]] result<> slept = co_await sleep_for(std::chrono::milliseconds(1));
  }
  group_.leave();
  [[maybe_unused]] result<> all = co_await all_drained_.wait();
}

bool loop_seat::try_begin(task<>&& call) {
  return !is_stopping_ && calls_->try_spawn(std::move(call));
}

void loop_seat::note_description() noexcept {
  std::string text = name() + ": " + std::to_string(calls_ ? calls_->size() : 0) + " calls and " +
                     std::to_string(loop_->outstanding()) + " operations outstanding\n" + loop_->dump();
  describe_posted_.store(false, std::memory_order_release);
  const std::lock_guard lock(mutex_);
  description_ = std::move(text);
  changed_.notify_one();
}

// --- from elsewhere ---

std::string loop_seat::name() const {
  return group_.options.name + "-" + std::to_string(index_);
}

std::string loop_seat::describe(std::chrono::nanoseconds patience) {
  if (!loop_) return "";
  {
    const std::lock_guard lock(mutex_);
    description_.clear();
  }
  post_once(describe_, describe_posted_);
  std::unique_lock lock(mutex_);
  if (changed_.wait_for(lock, patience, [this] { return !description_.empty(); })) return description_;
  return name() + ": does not answer: something that it runs has not returned\n";
}

} // namespace weir
