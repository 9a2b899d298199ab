#include "loop_group_state.hpp"

#include <weir/runtime/loop_group.hpp>
#include <weir/runtime/supervise.hpp>

#include <sched.h>

#include <algorithm>
#include <cassert>
#include <cstdio>

namespace weir {
namespace {

std::vector<int> allowed_cores() {
  cpu_set_t allowed;
  std::vector<int> cores;
  if (::sched_getaffinity(0, sizeof allowed, &allowed) != 0) return cores;
  for (int core = 0; core < CPU_SETSIZE; ++core)
    if (CPU_ISSET(core, &allowed)) cores.push_back(core);
  return cores;
}

} // namespace

// --- what the loops share ---

bool loop_group::state::enter() noexcept {
  std::size_t inside = live_.load(std::memory_order_relaxed);
  do {
    if (inside == 0) return false;
  } while (!live_.compare_exchange_weak(inside, inside + 1, std::memory_order_acq_rel));
  return true;
}

void loop_group::state::leave() noexcept {
  if (live_.fetch_sub(1, std::memory_order_acq_rel) != 1) return;
  const std::size_t count = seats.size(); // told to all, they end, and this with them
  for (std::size_t i = 0; i < count; ++i) seats[i]->tell_that_all_are_drained();
}

void loop_group::state::request_stop() noexcept {
  for (const auto& each : seats) each->ask_to_stop();
}

void loop_group::state::seat_ended() noexcept {
  const std::lock_guard lock(mutex_);
  ++ended_;
  changed_.notify_all();
}

bool loop_group::state::wait_until_ended(std::chrono::nanoseconds patience) {
  std::unique_lock lock(mutex_);
  return changed_.wait_for(lock, patience, [this] { return ended_ == seats.size(); });
}

// --- the group ---

loop_group::loop_group(std::unique_ptr<state> made) noexcept : state_(std::move(made)) {}

result<std::unique_ptr<loop_group>> loop_group::start(const loop_group_options& options) {
  // Made on this thread, which is not pinned: its threads run where the pool was made.
  if (!options.loop.blocking) blocking_pool::of_process();
  auto made = std::make_unique<state>(options);
  const std::vector<int> cores = allowed_cores();
  const std::size_t count = options.loops != 0 ? options.loops : std::max<std::size_t>(cores.size(), 1);
  if (options.pinned) made->cores = cores;
  made->live_ = count;
  for (unsigned i = 0; i < count; ++i) made->seats.push_back(std::make_unique<loop_seat>(*made, i));
  std::unique_ptr<loop_group> group(new loop_group(std::move(made))); // whose end is that of the threads
  for (const auto& each : group->state_->seats) each->start();

  result<> outcome;
  for (const auto& each : group->state_->seats)
    if (result<> ready = each->wait_until_made(); !ready && outcome) outcome = std::move(ready);
  if (!outcome) return fail(std::move(outcome).error()); // and the group's end stops those that were made
  return group;
}

loop_group::~loop_group() {
  request_stop();
  for (const auto& each : state_->seats) each->join();
}

unsigned loop_group::size() const noexcept {
  return static_cast<unsigned>(state_->seats.size());
}

loop_seat& loop_group::seat(unsigned index) noexcept {
  assert(index < size());
  return *state_->seats[index];
}

loop& loop_group::operator[](unsigned index) noexcept {
  return seat(index).home();
}

std::optional<unsigned> loop_group::current_index() const noexcept {
  const loop_seat* here = loop_seat::of_this_thread();
  if (!here || &here->group() != state_.get()) return std::nullopt;
  return here->index();
}

bool loop_group::enter() noexcept {
  return state_->enter();
}

void loop_group::leave() noexcept {
  state_->leave();
}

void loop_group::request_stop() noexcept {
  state_->request_stop();
}

result<> loop_group::stop(std::chrono::nanoseconds patience) {
  request_stop();
  if (state_->wait_until_ended(patience)) return {};
  if (enter()) {
    std::string listing;
    {
      const leaving at_the_end(*this);
      for (const auto& each : state_->seats) listing += each->describe(std::chrono::seconds(1));
    }
    if (state_->options.on_overdue)
      state_->options.on_overdue(listing);
    else
      std::fprintf(stderr, "weir: a group of loops does not end in time:\n%s", listing.c_str());
  }
  return fail(std::errc::timed_out, "stop");
}

result<> loop_group::run(const std::function<task<result<>>(unsigned index)>& main,
                         const restart_policy& policy) {
  const auto on_each = [&](unsigned index) -> task<result<>> {
    const auto make = [&main, index] { return main(index); };
    result<> outcome;
    try {
      outcome = co_await supervise(policy, make);
    } catch (...) {
      request_stop();
      throw;
    }
    if (!outcome && !outcome.error().is_cancelled()) request_stop();
    co_return outcome;
  };
  struct root {
    const decltype(on_each)* carry_out;
    unsigned index;
    task<result<>> operator()() const { return (*carry_out)(index); }
  };
  using root_call = typed_call<result<>, root, blocking_call>;

  if (!enter()) return fail(errc::closed, "run");
  std::vector<root> roots;
  std::vector<std::unique_ptr<root_call>> calls;
  {
    const leaving at_the_end(*this);
    for (unsigned i = 0; i < size(); ++i) roots.push_back(root{&on_each, i});
    for (root& each : roots) calls.push_back(std::make_unique<root_call>(seat(each.index), each));
    for (const auto& each : calls) each->start();
    for (const auto& each : calls) each->wait();
  }

  result<> outcome;
  std::exception_ptr thrown;
  for (const auto& each : calls) {
    try {
      result<> ended = each->await_resume();
      // That others were cancelled is no news beside the reason.
      if (!ended && (outcome || outcome.error().is_cancelled())) outcome = std::move(ended);
    } catch (...) {
      if (!thrown) thrown = std::current_exception();
    }
  }
  if (thrown) std::rethrow_exception(thrown);
  return outcome;
}

} // namespace weir
